import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { changedFields } from '#features/audit/changed-fields.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { type TestSetWithCount, findTestSet, lockTestSet, updateTestSetRow } from './test-sets.queries.js';

/** Renames a test set. @throws AppError `not_found` */
export function updateTestSet(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  testSetId: string,
  { name }: { name: string },
): Promise<TestSetWithCount> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const before = await lockTestSet(tx.db, scope, testSetId);
    await updateTestSetRow(tx.db, scope, before.id, { name });
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'test_set.update',
      resourceType: 'test_set',
      resourceId: before.id,
      changes: changedFields({ name: before.name }, { name }, ['name']),
    });
    return findTestSet(tx.db, scope, before.id);
  });
}
