import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import { withoutUndefined } from '#kernel/without-undefined.js';
import type { Context } from '#platform/context.js';
import type { Caller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { changedFields } from '#features/audit/changed-fields.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { newPrice } from './new-price.js';
import { type AddOnRow, insertAddOnOrNull, lockAddOn } from './plans.queries.js';
import type { NewAddOnVersionInput } from './plans.schemas.js';

const FIELDS = ['name', 'quantity', 'price', 'currency', 'validDays', 'isOffered', 'stripePriceId'] as const;

/**
 * Changes an add-on by a new version of it, or takes it from sale. What was bought of it stays as it was bought.
 * @throws AppError `not_found`; `validation_failed` where nothing would be different
 */
export function addAddOnVersion(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'definitions'>,
  caller: Caller,
  { code, changes }: { code: string; changes: NewAddOnVersionInput },
): Promise<AddOnRow> {
  return inTransaction(ctx, async (tx) => {
    const before = await lockAddOn(tx.db, code);
    const now = tx.clock.now();
    const after = { ...before, ...withoutUndefined(changes), ...newPrice(before, changes) };
    const changed = changedFields(before, after, FIELDS);
    if (Object.keys(changed).length === 0) {
      throw new AppError(
        'validation_failed',
        'The add-on is like this already: name what shall be different.',
      );
    }
    const row = await insertAddOnOrNull(tx.db, {
      ...after,
      id: newId(),
      version: before.version + 1,
      createdAt: now,
      updatedAt: now,
    });
    if (row === null) throw new Error('a version was added while the add-on was locked');
    await recordAudit(tx, caller, {
      projectId: null,
      action: 'add_on.change',
      resourceType: 'add_on',
      resourceId: row.id,
      changes: { code, version: row.version, ...changed },
    });
    tx.afterCommit(() => ctx.definitions.drop());
    return row;
  });
}
