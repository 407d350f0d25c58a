import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { deleteRunRow, findRun } from './runs.queries.js';

/** Deletes a run with its results; one that is under way stops after the case in hand. @throws AppError `not_found` */
export function deleteRun(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  where: { testSetId: string; runId: string },
): Promise<void> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const { id } = await findRun(tx.db, scope, where);
    if (!(await deleteRunRow(tx.db, scope, id))) return;
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'evaluation_run.delete',
      resourceType: 'evaluation_run',
      resourceId: id,
    });
  });
}
