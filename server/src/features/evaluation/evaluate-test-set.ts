import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { JobHandler, RunningJob } from '#platform/jobs/define-job.js';
import { type ProjectScope, mintProjectScope, systemCaller } from '#platform/scope.js';
import { inProjectTransaction, readInProject } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import type { AnswerSettings } from '#features/chat/answer-settings.js';
import { type CaseResult, evaluateCase } from './evaluate-case.js';
import { type EvaluateTestSetPayload, evaluateTestSetJob } from './evaluation.jobs.js';
import { type MeasuredResult, measureResults } from './measure-results.js';
import {
  type RunRow,
  findPendingCaseOrNull,
  findRunOrNull,
  insertResults,
  listMeasuredResults,
  updateRun,
} from './runs.queries.js';
import type { TestCaseRow } from './test-cases.queries.js';

/** Runs a test set case by case, each under all variants. What is done stays done: another attempt goes on from there. */
export const evaluateTestSet: JobHandler<EvaluateTestSetPayload> = {
  run: async (ctx, job, { projectId, runId }, signal) => {
    const scope = mintProjectScope(systemCaller, projectId, null);
    let run = await readInProject(ctx, scope, (tx) => findRunOrNull(tx.db, scope, runId));
    while (run !== null && (run.status === 'queued' || run.status === 'running')) {
      signal.throwIfAborted();
      const testCase = await readInProject(ctx, scope, (tx) => findPendingCaseOrNull(tx.db, scope, runId));
      run =
        testCase === null
          ? await finishRun(ctx, scope, { job, run })
          : await runCase(ctx, scope, { job, run, testCase }, signal);
    }
  },

  retried: async (tx, { projectId, runId }) => {
    const scope = mintProjectScope(systemCaller, projectId, null);
    const run = await updateRun(tx.db, scope, runId, { status: 'queued', error: null });
    if (run === null)
      throw new AppError('conflict', 'The run has been deleted: there is nothing to go on with.');
  },

  ended: async (tx, { projectId, runId }, { failure }) => {
    const scope = mintProjectScope(systemCaller, projectId, null);
    const { code, message } = failure;
    const run = await updateRun(tx.db, scope, runId, { status: 'failed', error: { code, message } });
    if (run !== null) await recordEnd(tx, run, { reason: code });
  },
};

/** @returns the run with its progress; null when it is gone */
async function runCase(
  ctx: Context,
  scope: ProjectScope,
  work: { job: RunningJob; run: RunRow; testCase: TestCaseRow },
  signal: AbortSignal,
): Promise<RunRow | null> {
  const { job, run, testCase } = work;
  const results: CaseResult[] = [];
  for (const settings of run.variants as AnswerSettings[]) {
    results.push(await evaluateCase(ctx, scope, { testCase, settings }, signal));
  }
  const isLastAttempt = job.attempt >= evaluateTestSetJob.maxAttempts;
  if (!isLastAttempt && results.some(({ outcome }) => outcome === 'failed')) {
    // It may be back later; the last attempt notes the failures and goes on.
    throw new AppError('unavailable', 'The chat model did not answer.');
  }
  const { projectId } = scope;
  const { id: testCaseId, question } = testCase;
  return inProjectTransaction(ctx, scope, async (tx) => {
    await job.fence(tx);
    const after = await updateRun(tx.db, scope, run.id, { status: 'running', addDone: results.length });
    if (after === null) return null;
    const rows = results.map((result, variant) => ({
      id: newId(),
      projectId,
      runId: run.id,
      testCaseId,
      variant,
      question,
      result: { ...result },
    }));
    await insertResults(tx.db, rows);
    const { done, total } = after;
    await job.reportProgress(tx, { stage: 'evaluating', done, total });
    return after;
  });
}

function finishRun(
  ctx: Context,
  scope: ProjectScope,
  { job, run }: { job: RunningJob; run: RunRow },
): Promise<RunRow | null> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    await job.fence(tx);
    const rows = await listMeasuredResults(tx.db, scope, run.id);
    const ofVariant = run.variants.map((_settings, index) =>
      rows
        .filter(({ variant }) => variant === index)
        .map(({ testCaseId, result }) => ({ ...result, testCaseId }) as MeasuredResult),
    );
    const metrics = ofVariant.map((results, index) => ({
      ...measureResults(results, index === 0 ? null : (ofVariant[0] ?? [])),
    }));
    // Cases that were deleted meanwhile have no result.
    const after = await updateRun(tx.db, scope, run.id, { status: 'complete', total: rows.length, metrics });
    if (after !== null) await recordEnd(tx, after, { total: rows.length });
    return after;
  });
}

async function recordEnd(
  tx: Pick<Context, 'db'>,
  run: RunRow,
  changes: Record<string, unknown>,
): Promise<void> {
  await recordAudit(tx, systemCaller, {
    projectId: run.projectId,
    action: `evaluation_run.${run.status}`,
    resourceType: 'evaluation_run',
    resourceId: run.id,
    changes,
  });
}
