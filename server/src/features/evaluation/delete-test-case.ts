import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { deleteTestCaseRow, lockTestCase } from './test-cases.queries.js';

/** Deletes a case; results of earlier runs keep its question. @throws AppError `not_found` */
export function deleteTestCase(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  where: { testSetId: string; caseId: string },
): Promise<void> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const { id } = await lockTestCase(tx.db, scope, where);
    await deleteTestCaseRow(tx.db, scope, id);
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'test_case.delete',
      resourceType: 'test_case',
      resourceId: id,
    });
  });
}
