import { sql } from 'drizzle-orm';
import { type Reply, type TestApp, createTestApp } from './create-test-app.js';
import { type FakeStripe, type SignedEvent, startFakeStripe } from './fakes/fake-stripe.js';

export interface StripeApp extends TestApp {
  stripe: FakeStripe;
  /** The time of the test's clock, as Stripe writes it. */
  nowSeconds: () => number;
  deliver: (event: Pick<SignedEvent, 'body' | 'headers'>) => Promise<Reply>;
  /** An account that Stripe knows, as one that has opened a checkout. */
  registerCustomer: () => Promise<{ token: string; userId: string; email: string; customerId: string }>;
  /** All that is stored of what an account pays and may. */
  billingOf: (userId: string) => Promise<Record<string, unknown>>;
  rows: <T extends Record<string, unknown>>(query: ReturnType<typeof sql>) => Promise<T[]>;
}

/** The real server with a Stripe account that is a fake one, over the real package. */
export async function createStripeApp(environment: Record<string, string> = {}): Promise<StripeApp> {
  const stripe = await startFakeStripe();
  const app = await createTestApp({
    environment: {
      STRIPE_SECRET_KEY: stripe.secretKey,
      STRIPE_WEBHOOK_SECRET: stripe.webhookSecret,
      STRIPE_API_BASE: stripe.url,
      PUBLIC_URL: 'https://bots.example.com',
      ...environment,
    },
  });
  const rows = async <T extends Record<string, unknown>>(query: ReturnType<typeof sql>) =>
    (await app.ctx.db.execute(query)).rows as T[];
  return {
    ...app,
    stripe,
    rows,
    nowSeconds: () => Math.floor(app.clock.now().getTime() / 1000),
    deliver: ({ body, headers }) => app.request('POST', '/v1/stripe/webhook', { body, headers }),
    registerCustomer: async () => {
      const account = await app.register();
      const body = { addOnId: '01900000-0000-7000-8000-000000000011', quantity: 1 };
      await app.request('POST', '/v1/billing/add-ons', { token: account.token, body });
      const [row] = await rows<{ id: string }>(
        sql`select stripe_customer_id as id from subscriptions where user_id = ${account.userId}`,
      );
      return { ...account, customerId: row?.id ?? '' };
    },
    billingOf: async (userId) => {
      const [row] = await rows(sql`
        select u.plan, s.status, s.pending_plan, s.pending_at::text, s.trial_ends_at::text, s.stripe_subscription_id,
          s.anchor::text, p.limit_messages_mini as mini, p.period_end::text,
          (select count(*)::int from usage_periods where user_id = u.id) as periods
        from users u
        join subscriptions s on s.user_id = u.id
        join lateral (
          select * from usage_periods where user_id = u.id order by period_start desc limit 1
        ) p on true
        where u.id = ${userId}`);
      return row ?? {};
    },
    close: async () => {
      await app.close();
      await stripe.close();
    },
  };
}
