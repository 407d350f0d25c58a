import { assertNever } from '#kernel/assert-never.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import type { PaymentEvent } from '#platform/ports/payments.js';
import { inTransaction } from '#platform/transaction.js';
import {
  type BillingContext,
  type SubscriptionOutcome,
  applyPurchase,
  applySubscription,
  planNameOrNull,
} from './apply-subscription.js';
import { type InvoiceOutcome, applyInvoice } from './apply-invoice.js';
import { type AddOnOutcome, applyAddOn } from './apply-add-on.js';
import { type RefundOutcome, applyRefund } from './apply-refund.js';
import { orderOf } from './event-order.js';
import { linkCustomer } from './payment-customer.js';
import { findUserIdOrNull, unlinkCustomer } from './stripe-accounts.queries.js';
import { claimStripeEvent, settleStripeEvent } from './stripe-events.queries.js';
import { syncDedupeKey, syncSubscriptionJob } from './billing.jobs.js';

export type EventOutcome =
  | SubscriptionOutcome
  | InvoiceOutcome
  | AddOnOutcome
  | RefundOutcome
  | 'known'
  | 'duplicate'
  | 'ignored'
  /** Of a customer who is nobody here: of another program on the same Stripe account, or of one who was erased. */
  | 'unknown_account';

/**
 * Applies an event, once: that it was applied is written in the transaction of what it does. Nobody is asked about it:
 * what it says is enough.
 * @returns what it came to
 */
export async function applyPaymentEvent(ctx: BillingContext, event: PaymentEvent): Promise<EventOutcome> {
  if (event.what === 'other') return 'ignored';
  return inTransaction(ctx, async (tx) => {
    const { id, type, occurredAt } = event;
    if (!(await claimStripeEvent(tx.db, { id, type, occurredAt }))) return 'duplicate';
    const userId = await findUserIdOrNull(tx.db, { customerId: event.customerId, userId: userIdOf(event) });
    const outcome: EventOutcome = userId === null ? 'unknown_account' : await apply(tx, userId, event);
    await settleStripeEvent(tx.db, id, { userId, outcome });
    if (outcome !== 'applied')
      tx.log.info({ event: id, type, userId, outcome }, 'an event of Stripe changed nothing');
    return outcome;
  });
}

type KnownEvent = Exclude<PaymentEvent, { what: 'other' }>;

async function apply(tx: BillingContext, userId: string, event: KnownEvent): Promise<EventOutcome> {
  const { customerId } = event;
  if (event.what !== 'customer_deleted' && customerId !== null) await linkCustomer(tx, userId, customerId);
  switch (event.what) {
    case 'subscription': {
      const { subscription, occurredAt: at, change, id } = event;
      if (subscription.next.type === 'unknown') await queueSync(tx, userId);
      return applySubscription(tx, userId, { subscription, at, order: orderOf(change, id) });
    }
    case 'plan_bought': {
      const { subscriptionId, boughtAt } = event;
      // Its own events tell more, and may have been lost.
      await queueSync(tx, userId);
      const plan = planNameOrNull(event.plan);
      return applyPurchase(tx, userId, { subscriptionId, customerId, plan, boughtAt });
    }
    case 'add_on_bought':
      return applyAddOn(tx, userId, event.addOn);
    case 'invoice':
      return applyInvoice(tx, userId, event.invoice, event.occurredAt);
    case 'refund':
      return applyRefund(tx, userId, event.refund);
    case 'unclear':
      await queueSync(tx, userId);
      return 'applied';
    case 'customer_deleted':
      await unlinkCustomer(tx.db, customerId ?? '');
      return 'applied';
    default:
      return assertNever(event);
  }
}

/** Whom the metadata name that we gave along. */
function userIdOf(event: KnownEvent): string | null {
  switch (event.what) {
    case 'subscription':
      return event.subscription.userId;
    case 'plan_bought':
      return event.userId;
    case 'add_on_bought':
      return event.addOn.userId;
    case 'invoice':
      return event.invoice.userId;
    case 'refund':
      return event.refund.addOn?.userId ?? null;
    case 'unclear':
    case 'customer_deleted':
      return null;
    default:
      return assertNever(event);
  }
}

async function queueSync(tx: BillingContext, userId: string): Promise<void> {
  const job = { projectId: null, payload: { userId }, dedupeKey: syncDedupeKey(userId) };
  await enqueueJob(tx, syncSubscriptionJob, job);
}
