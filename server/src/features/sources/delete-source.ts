import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { cancelJob } from '#platform/jobs/cancel-job.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { ingestDedupeKey, pageDedupeKey } from '#features/ingestion/ingestion.jobs.js';
import { deleteStoredFilesJob, sourceFolder } from '#features/projects/projects.jobs.js';
import { deleteSourceRow, findSource } from './sources.queries.js';

/** Deletes a source with all that was indexed from it; a running job stops, its file follows. @throws AppError `not_found` */
export function deleteSource(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  sourceId: string,
): Promise<void> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    await findSource(tx.db, scope, sourceId);
    // The job's row before the others, as its worker locks them: else the two wait for each other.
    await cancelJob(tx, { dedupeKey: ingestDedupeKey(sourceId) });
    await cancelJob(tx, { dedupeKeyPrefix: pageDedupeKey(sourceId, '') });
    const isDeleted = await deleteSourceRow(tx.db, scope, sourceId);
    if (!isDeleted) throw new AppError('not_found', 'There is no such source.');
    const folder = sourceFolder(scope.projectId, sourceId);
    await enqueueJob(tx, deleteStoredFilesJob, { projectId: null, payload: { folder } });
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'source.delete',
      resourceType: 'source',
      resourceId: sourceId,
    });
  });
}
