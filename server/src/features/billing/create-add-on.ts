import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { Caller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { normalAmount } from '#kernel/normal-amount.js';
import { type AddOnRow, insertAddOnOrNull } from './plans.queries.js';
import type { NewAddOnInput } from './plans.schemas.js';

/** Adds a package of credits. @throws AppError `conflict` for a code that there is already */
export function createAddOn(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'definitions'>,
  caller: Caller,
  input: NewAddOnInput,
): Promise<AddOnRow> {
  const { validDays = null, stripePriceId = null, ...named } = input;
  return inTransaction(ctx, async (tx) => {
    const now = tx.clock.now();
    const row = await insertAddOnOrNull(tx.db, {
      ...named,
      price: normalAmount(named.price),
      id: newId(),
      version: 1,
      validDays,
      stripePriceId,
      createdAt: now,
      updatedAt: now,
    });
    if (row === null) {
      throw new AppError('conflict', `There is already an add-on ${input.code}: add a version to it.`);
    }
    await recordAudit(tx, caller, {
      projectId: null,
      action: 'add_on.create',
      resourceType: 'add_on',
      resourceId: row.id,
      changes: input,
    });
    tx.afterCommit(() => ctx.definitions.drop());
    return row;
  });
}
