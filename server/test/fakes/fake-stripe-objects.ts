import { randomBytes } from 'node:crypto';

/** An object as Stripe sends it: what is read of it here, in the form that it has there. */
export type StripeObject = { id: string; object: string } & Record<string, unknown>;

const MONTH_SECONDS = 30 * 86_400;

export function stripeId(prefix: string): string {
  return `${prefix}_${randomBytes(9).toString('hex')}`;
}

export function subscriptionObject(facts: {
  id?: string;
  customer: string;
  created: number;
  metadata?: Record<string, string>;
  status?: string;
  priceId?: string;
  changes?: Record<string, unknown>;
}): StripeObject {
  const { customer, created, metadata = {}, status = 'active', priceId = stripeId('price') } = facts;
  return {
    id: facts.id ?? stripeId('sub'),
    object: 'subscription',
    customer,
    created,
    start_date: created,
    billing_cycle_anchor: created,
    status,
    cancel_at: null,
    cancel_at_period_end: false,
    canceled_at: null,
    schedule: null,
    trial_end: null,
    metadata,
    livemode: false,
    items: {
      object: 'list',
      data: [
        {
          id: stripeId('si'),
          object: 'subscription_item',
          quantity: 1,
          price: { id: priceId, object: 'price', metadata: {} },
          current_period_start: created,
          current_period_end: created + MONTH_SECONDS,
        },
      ],
    },
    ...facts.changes,
  };
}

export function invoiceObject(facts: {
  id?: string;
  customer: string;
  created: number;
  status?: string;
  total?: number;
  amountPaid?: number;
  currency?: string;
}): StripeObject {
  const { customer, created, status = 'paid', total = 4900, currency = 'usd' } = facts;
  const amountPaid = facts.amountPaid ?? (status === 'paid' ? total : 0);
  return {
    id: facts.id ?? stripeId('in'),
    object: 'invoice',
    customer,
    created,
    number: 'BB-0001',
    status,
    currency,
    total,
    amount_due: total,
    amount_paid: amountPaid,
    billing_reason: 'subscription_cycle',
    hosted_invoice_url: 'https://invoice.stripe.test/i',
    lines: {
      object: 'list',
      data: [
        { id: stripeId('il'), period: { start: created, end: created + MONTH_SECONDS } },
        { id: stripeId('il'), period: { start: created - MONTH_SECONDS, end: created } },
      ],
    },
    metadata: {},
    parent: { type: 'subscription_details', subscription_details: { metadata: {} } },
  };
}

export function chargeObject(facts: {
  customer: string;
  paymentIntent: string;
  amount: number;
  refunded: number;
  metadata: Record<string, string>;
  id?: string;
}): StripeObject {
  const { customer, paymentIntent, amount, refunded, metadata } = facts;
  return {
    id: facts.id ?? stripeId('ch'),
    object: 'charge',
    customer,
    payment_intent: paymentIntent,
    amount,
    amount_refunded: refunded,
    refunded: refunded === amount,
    currency: 'usd',
    paid: true,
    metadata,
  };
}
