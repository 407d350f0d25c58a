import { batches } from '#kernel/batches.js';
import type { Context } from '#platform/context.js';
import { embeddingModelKey } from '#platform/embedding-model.js';
import type { JobHandler, RunningJob } from '#platform/jobs/define-job.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import type { Embedder } from '#platform/ports/embedder.js';
import { type ProjectScope, mintProjectScope, systemCaller } from '#platform/scope.js';
import { inProjectTransaction, readInProject } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { embedChunks, findKnownVectors } from '../embed-chunks.js';
import { type ChangeEmbeddingModelPayload, changeEmbeddingModelJob } from '../ingestion.jobs.js';
import { embeddedTextOf } from '../prepare-chunks.js';
import {
  type BareChunk,
  insertMissingEmbeddings,
  listChunksWithoutVector,
  listProjectsOfOtherModels,
  lockProject,
  switchEmbeddingModel,
} from './embedding-models.queries.js';

const CHUNKS_PER_TRANSACTION = 100;
const PROJECTS_PER_LOOK = 200;

/**
 * Gives a project vectors of the configured model beside those that its searches compare with, and switches over when none
 * is missing. The old vectors stay: to switch back is to configure the old model again.
 */
export const changeEmbeddingModel: JobHandler<ChangeEmbeddingModelPayload> = {
  run: async (ctx, job, { projectId }, signal) => {
    const { embedder } = ctx;
    if (embedder === null) return;
    const scope = mintProjectScope(systemCaller, projectId, null);
    do await addVectors(ctx, scope, { job, embedder }, signal);
    while (!(await switchOver(ctx, scope, { job, embedder })));
  },
  // What it has written stays, and it goes on from there.
  retried: async () => {},
  ended: async (tx, { projectId }, { failure }) => {
    tx.log.warn(
      { project: projectId, reason: failure.code },
      'the embedding model of a project could not be changed: searches go on with the one before',
    );
  },
};

/** Queues the change for every project whose vectors are of another model. @returns how many were queued */
export async function changeEmbeddingModels(
  ctx: Pick<Context, 'db' | 'clock' | 'embedder' | 'afterCommit' | 'dispatchJob'>,
): Promise<number> {
  if (ctx.embedder === null) return 0;
  const embeddingModel = embeddingModelKey(ctx.embedder);
  const projectIds = await listProjectsOfOtherModels(ctx.db, { embeddingModel, limit: PROJECTS_PER_LOOK });
  let count = 0;
  for (const projectId of projectIds) {
    const jobId = await inProjectTransaction(ctx, { projectId }, (tx) =>
      enqueueJob(tx, changeEmbeddingModelJob, {
        projectId,
        payload: { projectId },
        dedupeKey: `${changeEmbeddingModelJob.type}:${projectId}`,
      }),
    );
    if (jobId !== null) count += 1;
  }
  return count;
}

async function addVectors(
  ctx: Context,
  scope: ProjectScope,
  { job, embedder }: { job: RunningJob; embedder: Embedder },
  signal: AbortSignal,
): Promise<void> {
  let afterId: string | null = null;
  for (;;) {
    signal.throwIfAborted();
    const { model, dimensions, windowSize } = embedder;
    const wanted: Parameters<typeof listChunksWithoutVector>[2] = {
      model,
      dimensions,
      afterId,
      limit: windowSize,
    };
    const bare: BareChunk[] = await readInProject(ctx, scope, (tx) =>
      listChunksWithoutVector(tx.db, scope, wanted),
    );
    afterId = bare.at(-1)?.id ?? null;
    if (afterId === null) return;
    const chunks = bare.map((chunk) => ({ ...chunk, embeddedText: embeddedTextOf(chunk) }));
    const embedders = [embedder];
    const known = await findKnownVectors(ctx, scope, { embedders, chunks });
    const { rows } = await embedChunks(scope, { embedders, chunks, known }, signal);
    for (const batch of batches(rows, CHUNKS_PER_TRANSACTION)) {
      await inProjectTransaction(ctx, scope, async (tx) => {
        await job.fence(tx);
        await insertMissingEmbeddings(tx.db, scope, batch);
      });
    }
  }
}

/** @returns false when a chunk without a vector has been made meanwhile */
function switchOver(
  ctx: Context,
  scope: ProjectScope,
  { job, embedder }: { job: RunningJob; embedder: Embedder },
): Promise<boolean> {
  const { model, dimensions } = embedder;
  const embeddingModel = embeddingModelKey(embedder);
  return inProjectTransaction(ctx, scope, async (tx) => {
    await job.fence(tx);
    const project = await lockProject(tx.db, scope);
    if (project === null || project.embeddingModel === embeddingModel) return true;
    const missing = await listChunksWithoutVector(tx.db, scope, {
      model,
      dimensions,
      afterId: null,
      limit: 1,
    });
    if (missing.length > 0) return false;
    await switchEmbeddingModel(tx.db, scope, embeddingModel);
    await recordAudit(tx, systemCaller, {
      projectId: scope.projectId,
      action: 'project.embedding_model',
      resourceType: 'project',
      resourceId: scope.projectId,
      changes: { embeddingModel: { before: project.embeddingModel, after: embeddingModel } },
    });
    return true;
  });
}
