import { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import type { PaymentEvent } from '#platform/ports/payments.js';
import {
  addOnOf,
  chargeSchema,
  invoiceSchema,
  reference,
  sessionSchema,
  subscriptionSchema,
} from './stripe-objects.js';

const eventSchema = z.object({
  id: z.string().min(1),
  type: z.string(),
  created: z.int(),
  data: z.object({ object: z.looseObject({}) }),
});
const holderSchema = z.object({ customer: reference.nullish() });
const customerSchema = z.object({ id: z.string() });

type Base = Pick<PaymentEvent, 'id' | 'type' | 'occurredAt' | 'customerId'>;

/**
 * What an event of Stripe's says to us. @param event parsed JSON
 * @throws AppError `malformed` for what Stripe does not send
 */
export function readStripeEvent(event: unknown): PaymentEvent {
  try {
    const { id, type, created, data } = eventSchema.parse(event);
    const customerId = holderSchema.safeParse(data.object).data?.customer ?? null;
    return describe({ id, type, occurredAt: new Date(created * 1000), customerId }, data.object);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const where = error.issues.map(({ path }) => path.join('.')).join(', ');
    throw new AppError('malformed', `This is no event of Stripe's as it is known here: look at ${where}.`);
  }
}

function describe(base: Base, object: Record<string, unknown>): PaymentEvent {
  const [noun, act] = splitType(base.type);
  switch (noun) {
    case 'customer.subscription':
      return {
        ...base,
        what: 'subscription',
        change: act === 'created' || act === 'deleted' ? act : 'updated',
        subscription: subscriptionSchema.parse(object),
      };
    case 'subscription_schedule':
      return { ...base, what: 'unclear' };
    case 'checkout.session':
      return describeCheckout(base, act, object);
    case 'invoice':
      // One that is to come is none yet, and has no id.
      if (act === 'upcoming') return { ...base, what: 'other' };
      return { ...base, what: 'invoice', invoice: describeInvoice(act, object) };
    case 'charge':
      return act === 'refunded'
        ? { ...base, what: 'refund', refund: chargeSchema.parse(object) }
        : { ...base, what: 'other' };
    case 'customer':
      return act === 'deleted'
        ? { ...base, what: 'customer_deleted', customerId: customerSchema.parse(object).id }
        : { ...base, what: 'other' };
    default:
      return { ...base, what: 'other' };
  }
}

/** `customer.subscription.updated` is an act on a `customer.subscription`. */
function splitType(type: string): [string, string] {
  const dot = type.lastIndexOf('.');
  return [type.slice(0, Math.max(0, dot)), type.slice(dot + 1)];
}

function describeInvoice(act: string, object: Record<string, unknown>) {
  const invoice = invoiceSchema.parse(object);
  return act === 'deleted' ? { ...invoice, status: 'deleted' } : invoice;
}

function describeCheckout(base: Base, act: string, object: Record<string, unknown>): PaymentEvent {
  if (act !== 'completed' && act !== 'async_payment_succeeded') return { ...base, what: 'other' };
  const session = sessionSchema.parse(object);
  const { metadata } = session;
  // Some means of payment take days: then other events say that it came.
  const isPaid = session.payment_status !== 'unpaid';
  if (session.subscription !== null) {
    if (!isPaid) return { ...base, what: 'unclear' };
    return {
      ...base,
      what: 'plan_bought',
      subscriptionId: session.subscription,
      boughtAt: session.created ?? base.occurredAt,
      userId: metadata['userId'] ?? session.client_reference_id,
      plan: metadata['plan'] ?? null,
    };
  }
  const addOn = addOnOf(metadata, {
    paymentId: session.payment_intent ?? session.id,
    amount: session.amount_total ?? 0,
    currency: session.currency ?? 'usd',
  });
  if (addOn === null || !isPaid) return { ...base, what: 'other' };
  const userId = addOn.userId ?? session.client_reference_id;
  return { ...base, what: 'add_on_bought', addOn: { ...addOn, userId } };
}
