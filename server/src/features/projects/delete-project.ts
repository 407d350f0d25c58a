import type { Context } from '#platform/context.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { deleteStoredFilesJob, projectFolder } from './projects.jobs.js';
import { deleteProjectRow } from './projects.queries.js';

/** Deletes a project with all it holds; its jobs end, and its files follow in a job of their own. */
export function deleteProject(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
): Promise<void> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'project.delete',
      resourceType: 'project',
      resourceId: scope.projectId,
    });
    await deleteProjectRow(tx.db, scope);
    const folder = projectFolder(scope.projectId);
    await enqueueJob(tx, deleteStoredFilesJob, { projectId: null, payload: { folder } });
  });
}
