import type { Config } from '#platform/config/config.js';
import type { Payments } from '#platform/ports/payments.js';

/**
 * Stripe, where both of its secrets are given: one without the other would take money and not hear of it, or the other
 * way round. Its package is loaded when it is first needed: most processes never do.
 */
export function openPayments({ stripe }: Pick<Config, 'stripe'>): Payments | null {
  const { secretKey, webhookSecret, apiBase } = stripe;
  if (secretKey === null || webhookSecret === null) return null;
  let opened: Promise<Payments> | null = null;
  const open = () => {
    opened ??= import('#providers/payments/stripe-payments.js').then(({ createStripePayments }) =>
      createStripePayments({ secretKey, webhookSecret, apiBase }),
    );
    return opened;
  };
  return {
    createCustomer: async (customer) => (await open()).createCustomer(customer),
    openCheckout: async (checkout) => (await open()).openCheckout(checkout),
    openPortal: async (portal) => (await open()).openPortal(portal),
    listSubscriptions: async (customerId) => (await open()).listSubscriptions(customerId),
    endCustomer: async (customerId) => (await open()).endCustomer(customerId),
    listMeters: async () => (await open()).listMeters(),
    sendUsage: async (usage) => (await open()).sendUsage(usage),
    sumUsage: async (sum) => (await open()).sumUsage(sum),
    readEvent: async (body, signature, now) => (await open()).readEvent(body, signature, now),
  };
}
