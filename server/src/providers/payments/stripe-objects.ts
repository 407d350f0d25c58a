import { z } from 'zod';
import { fromMinorUnits } from '#kernel/money.js';
import type {
  NextPlan,
  PaidAddOn,
  PaidInvoice,
  PaidStanding,
  PaidSubscription,
  PaymentRefund,
} from '#platform/ports/payments.js';

/*
 * What is read of Stripe's objects, and no more: webhooks come in the version of the API that their endpoint was made
 * with, so that fields which have moved are looked for in both places.
 */

const instant = z.int().transform((seconds) => new Date(seconds * 1000));
/** An id, or the object that it stands for. */
export const reference = z.union([z.string(), z.object({ id: z.string() }).transform(({ id }) => id)]);
const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value) => value ?? null);
const metadataSchema = optional(z.record(z.string(), z.string())).transform((value) => value ?? {});

const STANDINGS: Record<string, PaidStanding> = {
  incomplete: 'incomplete',
  incomplete_expired: 'incomplete',
  trialing: 'trialing',
  active: 'active',
  past_due: 'past_due',
  unpaid: 'unpaid',
  // Its trial has ended without a means of payment.
  paused: 'unpaid',
  canceled: 'ended',
};

const phase = z.object({
  start_date: instant,
  items: z.array(z.object({ price: reference })),
});
const schedule = z.union([
  z.string(),
  z.object({
    status: z.string(),
    current_phase: optional(z.object({ end_date: instant })),
    phases: z.array(phase),
  }),
]);

export const subscriptionSchema = z
  .object({
    id: z.string(),
    customer: reference,
    status: z.string(),
    created: instant,
    billing_cycle_anchor: optional(instant),
    start_date: optional(instant),
    trial_end: optional(instant),
    cancel_at: optional(instant),
    cancel_at_period_end: optional(z.boolean()),
    current_period_end: optional(instant),
    schedule: optional(schedule),
    metadata: metadataSchema,
    items: optional(
      z.object({
        data: z.array(z.object({ price: optional(reference), current_period_end: optional(instant) })),
      }),
    ),
  })
  .transform((subscription): PaidSubscription => {
    const { metadata, items, created } = subscription;
    return {
      id: subscription.id,
      customerId: subscription.customer,
      userId: metadata['userId'] ?? null,
      plan: metadata['plan'] ?? null,
      priceIds: (items?.data ?? []).flatMap(({ price }) => price ?? []),
      standing: STANDINGS[subscription.status] ?? 'unpaid',
      createdAt: created,
      anchor: subscription.billing_cycle_anchor ?? subscription.start_date ?? created,
      trialEndsAt: subscription.trial_end,
      next: nextOf(subscription),
    };
  });

function nextOf(subscription: {
  cancel_at: Date | null;
  cancel_at_period_end: boolean | null;
  current_period_end: Date | null;
  items: { data: { current_period_end: Date | null }[] } | null;
  schedule: z.output<typeof schedule> | null;
}): NextPlan {
  const { cancel_at: cancelAt, schedule: planned } = subscription;
  if (cancelAt !== null) return { type: 'none', at: cancelAt };
  if (subscription.cancel_at_period_end === true) {
    const periodEnd =
      subscription.current_period_end ?? subscription.items?.data[0]?.current_period_end ?? null;
    if (periodEnd !== null) return { type: 'none', at: periodEnd };
  }
  if (planned === null) return { type: 'same' };
  if (typeof planned === 'string') return { type: 'unknown' };
  const end = planned.current_phase?.end_date ?? null;
  const next = planned.phases.find(({ start_date: start }) => end !== null && start >= end);
  if (planned.status !== 'active' || next === undefined) return { type: 'same' };
  return { type: 'other', priceIds: next.items.map(({ price }) => price), at: next.start_date };
}

const MAX_PACKAGES = 1_000_000;

/** The credits that metadata of ours speak of; null: of none. */
export function addOnOf(
  metadata: Record<string, string>,
  paid: { paymentId: string; amount: number; currency: string },
): PaidAddOn | null {
  const addOnId = metadata['addOnId'];
  const quantity = Number(metadata['quantity'] ?? '1');
  if (addOnId === undefined || !Number.isInteger(quantity) || quantity < 1 || quantity > MAX_PACKAGES)
    return null;
  const currency = paid.currency.toUpperCase();
  const amount = fromMinorUnits(paid.amount, currency);
  return {
    paymentId: paid.paymentId,
    userId: metadata['userId'] ?? null,
    addOnId,
    quantity,
    amount,
    currency,
  };
}

const line = z.object({ period: optional(z.object({ start: instant, end: instant })) });
const metadataHolder = optional(z.object({ metadata: metadataSchema }));

export const invoiceSchema = z
  .object({
    id: z.string(),
    number: optional(z.string()),
    status: optional(z.string()),
    total: optional(z.int()),
    amount_due: optional(z.int()),
    amount_paid: optional(z.int()),
    currency: z.string(),
    hosted_invoice_url: optional(z.string()),
    lines: optional(z.object({ data: z.array(line) })),
    metadata: metadataSchema,
    parent: optional(z.object({ subscription_details: metadataHolder })),
    subscription_details: metadataHolder,
  })
  .transform((invoice): PaidInvoice => {
    const currency = invoice.currency.toUpperCase();
    const periods = (invoice.lines?.data ?? []).flatMap(({ period }) => period ?? []);
    // Of a change of plan there are lines for parts of a month: the newest is what is paid for.
    const period = periods.toSorted((a, b) => b.end.getTime() - a.end.getTime())[0];
    const details = invoice.parent?.subscription_details ?? invoice.subscription_details;
    return {
      id: invoice.id,
      number: invoice.number,
      status: invoice.status ?? 'draft',
      total: fromMinorUnits(invoice.total ?? invoice.amount_due ?? 0, currency),
      amountPaid: fromMinorUnits(invoice.amount_paid ?? 0, currency),
      currency,
      periodStart: period?.start ?? null,
      periodEnd: period?.end ?? null,
      hostedUrl: invoice.hosted_invoice_url,
      userId: details?.metadata['userId'] ?? invoice.metadata['userId'] ?? null,
    };
  });

export const chargeSchema = z
  .object({
    id: z.string(),
    amount: z.int(),
    amount_refunded: z.int(),
    currency: z.string(),
    payment_intent: optional(reference),
    metadata: metadataSchema,
  })
  .transform((charge): PaymentRefund => {
    const { amount, amount_refunded: refunded, metadata } = charge;
    const currency = charge.currency.toUpperCase();
    return {
      chargeId: charge.id,
      amount: fromMinorUnits(amount, currency),
      refunded: fromMinorUnits(refunded, currency),
      part: amount === 0 ? 1 : Math.min(1, refunded / amount),
      currency,
      addOn: addOnOf(metadata, { paymentId: charge.payment_intent ?? charge.id, amount, currency }),
    };
  });

export const sessionSchema = z.object({
  id: z.string(),
  created: optional(instant),
  subscription: optional(reference),
  payment_intent: optional(reference),
  payment_status: optional(z.string()),
  amount_total: optional(z.int()),
  currency: optional(z.string()),
  client_reference_id: optional(z.string()),
  metadata: metadataSchema,
});
