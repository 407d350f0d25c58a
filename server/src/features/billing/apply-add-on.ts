import type { PaidAddOn } from '#platform/ports/payments.js';
import { isId } from '#kernel/ids.js';
import { systemCaller } from '#platform/scope.js';
import { type CreditGrantRow, grantCredits } from '#features/usage/grant-credits.js';
import type { BillingContext } from './apply-subscription.js';
import { isAddOn } from './stripe-accounts.queries.js';

export type AddOnOutcome =
  | 'applied'
  /** Its payment has given credits already. */
  | 'granted_before'
  | 'unknown_add_on';

/** Gives an account the credits that it has paid for, once for each payment. */
export async function applyAddOn(
  tx: BillingContext,
  userId: string,
  addOn: PaidAddOn,
): Promise<AddOnOutcome> {
  const granted = await grantPaidAddOn(tx, userId, addOn);
  if (granted === null) return 'unknown_add_on';
  return granted.isNew ? 'applied' : 'granted_before';
}

/** @returns null for an add-on that there never was */
export async function grantPaidAddOn(
  tx: BillingContext,
  userId: string,
  { addOnId, quantity, amount, currency, paymentId }: PaidAddOn,
): Promise<{ grant: CreditGrantRow; isNew: boolean } | null> {
  if (!isId(addOnId) || !(await isAddOn(tx.db, addOnId))) {
    tx.log.error(
      { userId, addOnId, payment: paymentId },
      'somebody has paid for an add-on that is not there',
    );
    return null;
  }
  return grantCredits(tx, systemCaller, {
    userId,
    addOnId,
    quantity,
    paid: { amount, currency },
    idempotencyKey: `stripe:${paymentId}`,
  });
}
