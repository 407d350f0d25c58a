import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { deleteTestSetRow, lockTestSet } from './test-sets.queries.js';

/** Deletes a test set with its cases and runs; one that is under way stops. @throws AppError `not_found` */
export function deleteTestSet(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  testSetId: string,
): Promise<void> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const { id, name } = await lockTestSet(tx.db, scope, testSetId);
    await deleteTestSetRow(tx.db, scope, id);
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'test_set.delete',
      resourceType: 'test_set',
      resourceId: id,
      changes: { name },
    });
  });
}
