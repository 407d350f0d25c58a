import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { type TestSetWithCount, countTestSets, insertTestSet, lockProject } from './test-sets.queries.js';
import { MAX_TEST_SETS } from './test-sets.schemas.js';

/** @throws AppError `conflict` when the project has as many test sets as it may */
export function createTestSet(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  { name }: { name: string },
): Promise<TestSetWithCount> {
  const { projectId } = scope;
  return inProjectTransaction(ctx, scope, async (tx) => {
    await lockProject(tx.db, scope);
    if ((await countTestSets(tx.db, scope)) >= MAX_TEST_SETS) {
      throw new AppError('conflict', `A project can have ${MAX_TEST_SETS} test sets. Delete one first.`);
    }
    const row = await insertTestSet(tx.db, { id: newId(), projectId, name });
    await recordAudit(tx, scope, {
      projectId,
      action: 'test_set.create',
      resourceType: 'test_set',
      resourceId: row.id,
      changes: { name },
    });
    return row;
  });
}
