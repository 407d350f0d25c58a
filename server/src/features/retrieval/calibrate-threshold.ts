import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { JobHandler } from '#platform/jobs/define-job.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import { type ProjectScope, mintProjectScope, systemCaller } from '#platform/scope.js';
import { inProjectTransaction, readInProject } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { pseudoQuestion } from '#rag/pseudo-question.js';
import {
  type CalibrateThresholdPayload,
  calibrateDedupeKey,
  calibrateThresholdJob,
} from '#features/projects/projects.jobs.js';
import {
  listProjectsToCalibrate,
  sampleVisibleChunks,
  updateCalibratedScore,
} from './calibration.queries.js';
import { type RetrievalContext, retrievePassages } from './retrieve-passages.js';

/** Chunks that are asked for. */
const SAMPLE = 200;
/** Fewer scores tell nothing of their 90th percentile. */
const LEAST_QUESTIONS = 20;
const QUANTILE = 0.9;
const LOWEST = 0.5;
const HIGHEST = 0.8;
/** Passages looked at for one that is of another document. */
const DEPTH = 50;
/** So many questions are not worth a model's time. */
const UNAIDED = { expansion: 'off', rerank: 'off', translate: 'off' } as const;
const PROJECTS_PER_LOOK = 100;

/**
 * Measures how well a project's sources seem to answer what they do not: questions made from its own texts, each
 * without the document that it was made from. What scores no better than nine tenths of them is not answered.
 */
export const calibrateThreshold: JobHandler<CalibrateThresholdPayload> = {
  run: async (ctx, job, { projectId }, signal) => {
    const scope = mintProjectScope(systemCaller, projectId, null);
    const calibratedScore = thresholdOf(await scoreWithoutOwnDocument(ctx, scope, signal));
    await inProjectTransaction(ctx, scope, async (tx) => {
      await job.fence(tx);
      await updateCalibratedScore(tx.db, scope, calibratedScore);
      await recordAudit(tx, systemCaller, {
        projectId,
        action: 'project.calibrate',
        resourceType: 'project',
        resourceId: projectId,
        changes: { calibratedScore },
      });
    });
  },
  retried: async () => {},
  ended: async (tx, { projectId }, { failure }) => {
    tx.log.warn(
      { project: projectId, reason: failure.code },
      'the threshold of a project could not be measured: the one before stays',
    );
  },
};

/** Queues a measurement for every project that wants one and whose index has changed. @returns how many */
export async function calibrateChangedProjects(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob'>,
): Promise<number> {
  const { type: jobType } = calibrateThresholdJob;
  const changed = await listProjectsToCalibrate(ctx.db, { jobType, limit: PROJECTS_PER_LOOK });
  let count = 0;
  for (const payload of changed) {
    const { projectId } = payload;
    const dedupeKey = calibrateDedupeKey(projectId);
    const jobId = await inProjectTransaction(ctx, { projectId }, (tx) =>
      enqueueJob(tx, calibrateThresholdJob, { projectId, payload, dedupeKey }),
    );
    if (jobId !== null) count += 1;
  }
  return count;
}

/** @throws AppError `unavailable` when the embedding model fails: scores by words alone are others */
async function scoreWithoutOwnDocument(
  ctx: RetrievalContext,
  scope: ProjectScope,
  signal: AbortSignal,
): Promise<number[]> {
  const scores: number[] = [];
  const sample = await readInProject(ctx, scope, (tx) => sampleVisibleChunks(tx.db, scope, SAMPLE));
  for (const { documentId, text, language } of sample) {
    signal.throwIfAborted();
    const query = pseudoQuestion(text, language);
    if (query === null) continue;
    const { passages, isDegraded } = await retrievePassages(
      ctx,
      scope,
      { query, topK: DEPTH, options: UNAIDED },
      signal,
    );
    if (isDegraded) throw new AppError('unavailable', 'The embedding model could not be reached.');
    const others = passages.filter((passage) => passage.documentId !== documentId);
    // Nothing but the document itself among so many: what the others score is not known.
    if (others.length === 0 && passages.length === DEPTH) continue;
    scores.push(Math.max(0, ...others.map(({ score, keyword }) => Math.max(score, keyword ?? 0))));
  }
  return scores;
}

function thresholdOf(scores: readonly number[]): number | null {
  if (scores.length < LEAST_QUESTIONS) return null;
  const sorted = scores.toSorted((a, b) => a - b);
  const quantile = sorted[Math.floor((sorted.length - 1) * QUANTILE)] ?? LOWEST;
  return Math.min(HIGHEST, Math.max(LOWEST, quantile));
}
