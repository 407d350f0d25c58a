import { newId } from '#kernel/ids.js';
import type { PaidInvoice } from '#platform/ports/payments.js';
import { recordBillingEvent } from '#features/usage/record-billing-event.js';
import type { BillingContext } from './apply-subscription.js';
import { upsertInvoice } from './stripe-events.queries.js';

export type InvoiceOutcome = 'applied' | 'older';

/**
 * Stores a bill as it is, unless something newer of it is stored, and books what was paid of it. What is to be paid for
 * parts of months is reckoned by the provider.
 */
export async function applyInvoice(
  tx: BillingContext,
  userId: string,
  invoice: PaidInvoice,
  occurredAt: Date,
): Promise<InvoiceOutcome> {
  const { id: stripeInvoiceId, number, status, total, amountPaid, currency } = invoice;
  const isNew = await upsertInvoice(tx.db, {
    id: newId(),
    userId,
    stripeInvoiceId,
    number,
    status,
    amount: total,
    currency,
    periodStart: invoice.periodStart,
    periodEnd: invoice.periodEnd,
    hostedUrl: invoice.hostedUrl,
    stripeEventAt: occurredAt,
  });
  if (status === 'paid' && Number(amountPaid) > 0) {
    await recordBillingEvent(tx, {
      userId,
      type: 'payment',
      reason: 'invoice',
      quantity: 0,
      amount: amountPaid,
      currency,
      idempotencyKey: `payment:invoice:${stripeInvoiceId}`,
      metadata: { invoice: stripeInvoiceId, number },
    });
  }
  return isNew ? 'applied' : 'older';
}
