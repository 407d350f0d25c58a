import { Stripe } from 'stripe';
import { AppError } from '#kernel/app-error.js';
import { toMinorUnits } from '#kernel/money.js';
import type { Checkout, MeteredKind, Payments } from '#platform/ports/payments.js';
import { askStripe, askStripeOrNull } from './stripe-errors.js';
import { readStripeEvent } from './stripe-events.js';
import { subscriptionSchema } from './stripe-objects.js';
import { parseSigned } from './stripe-signature.js';

/** Of one try; with the pauses between them somebody who waits has an answer within a minute. */
const TIMEOUT_MS = 15_000;
const MAX_RETRIES = 2;
const PAGE_SIZE = 100;

/** `event_name` of the meters at Stripe that count usage. */
const METER_EVENTS: Record<MeteredKind, string> = {
  messages_mini: 'botbase_messages_mini',
  messages_premium: 'botbase_messages_premium',
  indexed_pages: 'botbase_indexed_pages',
};

export interface StripeOptions {
  secretKey: string;
  webhookSecret: string;
  /** Null: Stripe's own. */
  apiBase: string | null;
}

/** Payments by Stripe, with its own package: it retries what may be retried, under one idempotency key. */
export function createStripePayments({ secretKey, webhookSecret, apiBase }: StripeOptions): Payments {
  const stripe = new Stripe(secretKey, {
    timeout: TIMEOUT_MS,
    maxNetworkRetries: MAX_RETRIES,
    telemetry: false,
    ...(apiBase === null ? {} : addressOf(apiBase)),
  });
  return {
    createCustomer: async ({ userId, email, name, idempotencyKey }) => {
      const customer = { email, name, metadata: { userId } };
      return (await askStripe(() => stripe.customers.create(customer, { idempotencyKey }))).id;
    },
    openCheckout: async (checkout) => {
      const { idempotencyKey } = checkout;
      const params = checkoutParams(checkout);
      const session = await askStripe(() => stripe.checkout.sessions.create(params, { idempotencyKey }));
      if (checkout.mode.type === 'subscription') await expireOlder(stripe, checkout.customerId, session);
      const { url } = session;
      if (url === null)
        throw new AppError('unavailable', 'Stripe has opened no page for this. Please try again.');
      return url;
    },
    openPortal: async ({ customerId, returnUrl }) => {
      const params = { customer: customerId, return_url: returnUrl };
      return (await askStripe(() => stripe.billingPortal.sessions.create(params))).url;
    },
    listSubscriptions: async (customerId) => {
      const found = await askStripeOrNull(() =>
        stripe.subscriptions
          .list({ customer: customerId, status: 'all', limit: PAGE_SIZE, expand: ['data.schedule'] })
          .autoPagingToArray({ limit: PAGE_SIZE }),
      );
      return (found ?? []).map((subscription) => subscriptionSchema.parse(subscription));
    },
    endCustomer: async (customerId) => {
      // That cancels its subscriptions, and closes the checkouts that are open.
      await askStripeOrNull(() => stripe.customers.del(customerId));
    },
    listMeters: async () => {
      const meters = await askStripe(() =>
        stripe.billing.meters
          .list({ status: 'active', limit: PAGE_SIZE })
          .autoPagingToArray({ limit: PAGE_SIZE }),
      );
      const kinds = Object.entries(METER_EVENTS).flatMap(([kind, name]) => {
        const meter = meters.find(({ event_name: eventName }) => eventName === name);
        return meter === undefined ? [] : [[kind, meter.id]];
      });
      return Object.fromEntries(kinds) as Partial<Record<MeteredKind, string>>;
    },
    sendUsage: async ({ customerId, kind, quantity, at, idempotencyKey }) => {
      const event = {
        event_name: METER_EVENTS[kind],
        identifier: idempotencyKey,
        timestamp: secondsOf(at),
        payload: { stripe_customer_id: customerId, value: String(quantity) },
      };
      await askStripe(() => stripe.billing.meterEvents.create(event, { idempotencyKey }));
    },
    sumUsage: async ({ meterId, customerId, from, to }) => {
      const summaries = await askStripe(() =>
        stripe.billing.meters
          .listEventSummaries(meterId, {
            customer: customerId,
            start_time: secondsOf(from),
            end_time: secondsOf(to),
          })
          .autoPagingToArray({ limit: PAGE_SIZE }),
      );
      return summaries.reduce((sum, { aggregated_value: value }) => sum + value, 0);
    },
    readEvent: async (body, signature, now) => {
      const message = { body, signature, secret: webhookSecret, now };
      return readStripeEvent(parseSigned(stripe, message));
    },
  };
}

/** Of two that are opened at the same moment the newer one stays open, whoever comes first here. */
async function expireOlder(
  stripe: Stripe,
  customerId: string,
  newest: Stripe.Checkout.Session,
): Promise<void> {
  const open = await askStripe(() =>
    stripe.checkout.sessions.list({ customer: customerId, status: 'open', limit: PAGE_SIZE }),
  );
  const older = open.data.filter(
    ({ id, mode, created }) =>
      mode === 'subscription' && (created < newest.created || (created === newest.created && id < newest.id)),
  );
  for (const { id } of older) {
    // One that is paid at this very moment cannot be closed any more, and is not open either.
    await askStripe(() => stripe.checkout.sessions.expire(id)).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.code !== 'not_configured') throw error;
    });
  }
}

function checkoutParams(checkout: Checkout): Stripe.Checkout.SessionCreateParams {
  const { customerId, item, mode, metadata, paidUrl, cancelledUrl } = checkout;
  const isSubscription = mode.type === 'subscription';
  const priceData = {
    currency: item.currency.toLowerCase(),
    unit_amount: toMinorUnits(item.price, item.currency),
    product_data: { name: item.name },
    ...(isSubscription ? { recurring: { interval: 'month' as const } } : {}),
  };
  const price = item.priceId === null ? { price_data: priceData } : { price: item.priceId };
  const trial = isSubscription && mode.trialDays > 0 ? { trial_period_days: mode.trialDays } : {};
  return {
    mode: mode.type,
    customer: customerId,
    client_reference_id: metadata['userId'] ?? '',
    line_items: [{ ...price, quantity: item.quantity }],
    metadata,
    ...(isSubscription
      ? { subscription_data: { metadata, ...trial } }
      : { payment_intent_data: { metadata } }),
    success_url: paidUrl,
    cancel_url: cancelledUrl,
  };
}

function addressOf(apiBase: string) {
  const { protocol, hostname, port } = new URL(apiBase);
  const isSecure = protocol === 'https:';
  return {
    protocol: isSecure ? ('https' as const) : ('http' as const),
    host: hostname,
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
  };
}

function secondsOf(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}
