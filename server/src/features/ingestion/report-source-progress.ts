import type { SourceProgress } from '#db/schema/sources.js';
import type { Context } from '#platform/context.js';
import type { RunningJob } from '#platform/jobs/define-job.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { updateSourceProgress } from './ingestion.queries.js';

/** What the job reports is what the source shows; an attempt that has lost its lease shows nothing. */
export function reportSourceProgress(
  ctx: Context,
  scope: ProjectScope,
  work: { job: RunningJob; sourceId: string },
  progress: SourceProgress,
): Promise<void> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    await work.job.fence(tx);
    await work.job.reportProgress(tx, progress);
    await updateSourceProgress(tx.db, scope, work.sourceId, progress);
  });
}
