import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import type { AnswerSettings } from '#features/chat/answer-settings.js';
import { evaluateTestSetJob } from './evaluation.jobs.js';
import { type RunRow, countUnfinishedRuns, insertRun } from './runs.queries.js';
import { countTestCases } from './test-cases.queries.js';
import { lockProject, lockTestSet } from './test-sets.queries.js';

/** Each keeps a worker busy. */
const MAX_UNFINISHED_RUNS = 10;
const OWN_SETTINGS: AnswerSettings[] = [{}];

/**
 * Queues a run of a test set under one or two variants of the project's settings.
 * @throws AppError `not_found`, `unusable_content` for a set without cases, `conflict` when too many runs are under way
 */
export function startRun(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  input: { testSetId: string; variants?: AnswerSettings[] | undefined },
): Promise<RunRow> {
  const { projectId } = scope;
  const { variants = OWN_SETTINGS } = input;
  return inProjectTransaction(ctx, scope, async (tx) => {
    await lockProject(tx.db, scope);
    const { id: testSetId } = await lockTestSet(tx.db, scope, input.testSetId);
    const cases = await countTestCases(tx.db, scope, testSetId);
    if (cases === 0) throw new AppError('unusable_content', 'The test set has no cases yet. Add some first.');
    if ((await countUnfinishedRuns(tx.db, scope)) >= MAX_UNFINISHED_RUNS) {
      throw new AppError(
        'conflict',
        `${MAX_UNFINISHED_RUNS} runs of this project are under way. Wait for one, or delete one.`,
      );
    }
    const total = cases * variants.length;
    const run = await insertRun(tx.db, { id: newId(), projectId, testSetId, variants, total });
    await enqueueJob(tx, evaluateTestSetJob, { projectId, payload: { projectId, runId: run.id } });
    await recordAudit(tx, scope, {
      projectId,
      action: 'evaluation_run.create',
      resourceType: 'evaluation_run',
      resourceId: run.id,
      changes: { testSetId, variants: variants.map((settings) => Object.keys(settings)), total },
    });
    return run;
  });
}
