import { normalAmount } from '#kernel/normal-amount.js';
import { withoutUndefined } from '#kernel/without-undefined.js';
import type { Context } from '#platform/context.js';
import type { UserCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { changedFields } from '#features/audit/changed-fields.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { lockAccount } from '#features/usage/open-period.js';
import { updateCapOfPeriod, updateSubscriptionSettings } from './account.queries.js';
import type { UpdateBillingAccountInput } from './account.schemas.js';

const FIELDS = ['spendingCap', 'humanTicketCost'] as const;

/**
 * Changes what an account has set for itself. A spending cap holds at once: the next message is refused where the
 * period that is under way has cost as much already, and answered where a higher cap leaves room.
 * @throws AppError `not_found` for an account that was erased
 */
export function updateBillingAccount(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit'>,
  caller: UserCaller,
  input: UpdateBillingAccountInput,
): Promise<void> {
  const { userId } = caller.actor;
  return inTransaction(ctx, async (tx) => {
    const { subscription, period } = await lockAccount(tx, userId);
    const before = {
      spendingCap: amountOrNull(subscription.spendingCap),
      humanTicketCost: amountOrNull(subscription.humanTicketCost),
    };
    const changes = withoutUndefined({
      spendingCap: amountOrNull(input.spendingCap),
      humanTicketCost: amountOrNull(input.humanTicketCost),
    });
    await updateSubscriptionSettings(tx.db, userId, changes);
    if (changes.spendingCap !== undefined) await updateCapOfPeriod(tx.db, period.id, changes.spendingCap);
    await recordAudit(tx, caller, {
      projectId: null,
      action: 'billing_account.update',
      resourceType: 'billing_account',
      resourceId: userId,
      changes: changedFields(before, { ...before, ...changes }, FIELDS),
    });
  });
}

function amountOrNull<Amount extends string | null | undefined>(amount: Amount): Amount {
  return (typeof amount === 'string' ? normalAmount(amount) : amount) as Amount;
}
