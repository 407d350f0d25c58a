import { fromMinorUnits, toMinorUnits } from '#kernel/money.js';
import type { PaymentRefund } from '#platform/ports/payments.js';
import { systemCaller } from '#platform/scope.js';
import { lockPayer } from '#features/usage/lock-payer.js';
import { recordBillingEvent } from '#features/usage/record-billing-event.js';
import { revokeCredits } from '#features/usage/revoke-credits.js';
import { grantPaidAddOn } from './apply-add-on.js';
import type { BillingContext } from './apply-subscription.js';
import { sumRefunds } from './stripe-events.queries.js';

export type RefundOutcome =
  | 'applied'
  /** As much was booked already. */
  | 'older';

/**
 * Books what was paid back, and takes back as large a part of the credits that it had paid for, as far as they are
 * left. A refund may be heard of before its payment: then the credits are given first, so that they are not given later.
 */
export async function applyRefund(
  tx: BillingContext,
  userId: string,
  refund: PaymentRefund,
): Promise<RefundOutcome> {
  const { chargeId, currency, addOn, part } = refund;
  await lockPayer(tx, userId);
  const grant = addOn === null ? null : ((await grantPaidAddOn(tx, userId, addOn))?.grant ?? null);
  const refunded = toMinorUnits(refund.refunded, currency);
  const booked = toMinorUnits(await sumRefunds(tx.db, { userId, chargeId }), currency);
  if (refunded <= booked) return 'older';
  await recordBillingEvent(tx, {
    userId,
    type: 'refund',
    reason: grant === null ? 'refunded' : 'add_on_refunded',
    quantity: 0,
    creditGrantId: grant?.id ?? null,
    amount: fromMinorUnits(booked - refunded, currency),
    currency,
    idempotencyKey: `refund:${chargeId}:${refunded}`,
    metadata: { chargeId, of: refund.amount },
  });
  if (grant !== null) {
    await revokeCredits(tx, systemCaller, {
      grantId: grant.id,
      quantity: part >= 1 ? 'all' : Math.floor(grant.quantity * part),
      reason: 'refunded',
      idempotencyKey: `credits_revoked:${chargeId}:${refunded}`,
    });
  }
  return 'applied';
}
