import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestApp } from '#test/create-test-app.js';
import { subscriptionObject } from '#test/fakes/fake-stripe-objects.js';
import { textAt } from '#test/fakes/stripe-form.js';
import { type StripeApp, createStripeApp } from '#test/stripe-account.js';

const MINI_1000 = '01900000-0000-7000-8000-000000000011';
const NOBODYS_ID = '01900000-0000-7000-8000-000000000000';

let app: StripeApp;
let account: Awaited<ReturnType<StripeApp['register']>>;

beforeAll(async () => {
  app = await createStripeApp({ STRIPE_TRIAL_DAYS: '14' });
});
beforeEach(async () => {
  account = await app.register();
  app.stripe.requests.length = 0;
  app.stripe.mode = 'normal';
});
afterAll(() => app.close());

const post = (path: string, body?: object, headers: Record<string, string> = {}) =>
  app.request('POST', `/v1/billing/${path}`, { token: account.token, body, headers });
const asked = (path: string) => app.stripe.requests.filter((request) => request.path === `/v1/${path}`);
const sessions = () => [...app.stripe.state.sessions.values()];
const becomeAdmin = () => app.rows(sql`update users set role = 'admin' where id = ${account.userId}`);

async function subscribe(): Promise<void> {
  const created = app.nowSeconds();
  const [row] = await app.rows<{ id: string }>(
    sql`select stripe_customer_id as id from subscriptions where user_id = ${account.userId}`,
  );
  const metadata = { userId: account.userId, plan: 'pro' };
  const subscription = subscriptionObject({ customer: row?.id ?? '', created, metadata });
  await app.deliver(app.stripe.event('customer.subscription.created', subscription, { created }));
}

describe('a checkout of a plan', () => {
  it('tells Stripe the price of the plan, whose it is, and where to come back to', async () => {
    const { status, body } = await post('checkout', { plan: 'pro' });
    expect(status).toBe(200);
    expect(body).toEqual({ url: expect.stringContaining(`${app.stripe.url}/pay/cs_`) });
    const [customer] = asked('customers');
    expect(customer?.params).toEqual({
      email: account.email,
      name: 'Ada',
      metadata: { userId: account.userId },
    });
    const session = asked('checkout/sessions').find(({ method }) => method === 'POST');
    const metadata = { userId: account.userId, plan: 'pro' };
    expect(session?.params).toEqual({
      mode: 'subscription',
      customer: expect.stringMatching(/^cus_/),
      client_reference_id: account.userId,
      line_items: [
        {
          price_data: {
            currency: 'usd',
            unit_amount: '4900',
            product_data: { name: 'Botbase pro' },
            recurring: { interval: 'month' },
          },
          quantity: '1',
        },
      ],
      metadata,
      subscription_data: { metadata, trial_period_days: '14' },
      success_url: 'https://bots.example.com/?checkout=paid',
      cancel_url: 'https://bots.example.com/?checkout=cancelled',
    });
    expect(session?.headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      'stripe-version': '2026-10-28.endive',
      'idempotency-key': expect.stringMatching(/^checkout:/),
    });
  });

  it('is one for each Idempotency-Key, and of one customer however many come at once', async () => {
    const keyed = () => post('checkout', { plan: 'pro' }, { 'idempotency-key': 'once' });
    const first = await keyed();
    const again = await keyed();
    expect(again.body).toEqual(first.body);
    account = await app.register();
    const before = app.stripe.state.customers.size;
    const replies = await Promise.all(
      Array.from({ length: 5 }, () => post('add-ons', { addOnId: MINI_1000 })),
    );
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(app.stripe.state.customers.size).toBe(before + 1);
  });

  it('closes those that were opened before, so that a plan is not paid twice', async () => {
    await post('checkout', { plan: 'pro' });
    await post('checkout', { plan: 'pro' });
    const own = sessions().filter(
      (session) => textAt(session as never, 'metadata.userId') === account.userId,
    );
    expect(own.map(({ status }) => status)).toEqual(['expired', 'open']);
  });

  it('uses a price of Stripe’s where the plan has one', async () => {
    await app.rows(sql`update plans set stripe_price_id = 'price_pro' where name = 'pro'`);
    await post('checkout', { plan: 'pro' });
    await app.rows(sql`update plans set stripe_price_id = null`);
    const session = asked('checkout/sessions').find(({ method }) => method === 'POST');
    expect(session?.params['line_items']).toEqual([{ price: 'price_pro', quantity: '1' }]);
  });

  it('of a plan without a price is for those whom one was agreed on with', async () => {
    const refused = await post('checkout', { plan: 'enterprise' });
    expect([refused.status, refused.body.code]).toEqual([409, 'conflict']);
    await becomeAdmin();
    const agreed = { plan: 'enterprise', customPrice: '499.50', customLimits: { messagesMini: 500_000 } };
    await app.request('PATCH', `/v1/admin/users/${account.userId}`, { token: account.token, body: agreed });
    expect((await post('checkout', { plan: 'enterprise' })).status).toBe(200);
    const session = asked('checkout/sessions').find(({ method }) => method === 'POST');
    expect(textAt(session?.params, 'line_items.0.price_data.unit_amount')).toBe('49950');
  });

  it('is not for who has a subscription: the portal is, and an admin does not decide any more', async () => {
    expect((await post('portal')).body.code).toBe('conflict');
    await post('checkout', { plan: 'pro' });
    await subscribe();
    expect((await post('checkout', { plan: 'pro' })).body.code).toBe('conflict');
    const portal = await post('portal');
    expect(portal.body.url).toContain(`${app.stripe.url}/portal/cus_`);
    expect(asked('billing_portal/sessions')[0]?.params).toMatchObject({
      return_url: 'https://bots.example.com/',
    });
    await becomeAdmin();
    const patch = (body: object) =>
      app.request('PATCH', `/v1/admin/users/${account.userId}`, { token: account.token, body });
    expect((await patch({ plan: 'free' })).body.code).toBe('conflict');
    expect((await patch({ plan: 'pro', customLimits: { chatbots: 60 } })).status).toBe(200);
  });

  it('has a trial with the first subscription alone', async () => {
    await post('checkout', { plan: 'pro' });
    await subscribe();
    await app.rows(sql`update subscriptions set status = 'cancelled' where user_id = ${account.userId}`);
    app.stripe.requests.length = 0;
    await post('checkout', { plan: 'pro' });
    const session = asked('checkout/sessions').find(({ method }) => method === 'POST');
    expect(textAt(session?.params, 'subscription_data.trial_period_days')).toBeUndefined();
  });

  it.each([{}, { plan: 'free' }, { plan: 'gold' }, { plan: 'pro', price: '1' }])(
    'refuses %j',
    async (body) => {
      expect((await post('checkout', body)).body.code).toBe('validation_failed');
    },
  );
});

describe('a checkout of credits', () => {
  it('is a single payment of as many packages', async () => {
    expect((await post('add-ons', { addOnId: MINI_1000, quantity: 3 })).status).toBe(200);
    const [session] = asked('checkout/sessions');
    const metadata = { userId: account.userId, addOnId: MINI_1000, quantity: '3' };
    expect(session?.params).toMatchObject({
      mode: 'payment',
      line_items: [
        {
          price_data: { currency: 'usd', unit_amount: '500', product_data: { name: '1,000 mini messages' } },
          quantity: '3',
        },
      ],
      metadata,
      payment_intent_data: { metadata },
    });
    const [entry] = await app.rows(sql`
      select changes from audit_logs where actor_id = ${account.userId} and action = 'billing.open_checkout'`);
    expect(entry).toEqual({ changes: { addOn: 'mini-1000', quantity: 3, price: '5.00', currency: 'USD' } });
  });

  it('is of what is on offer, in its newest version', async () => {
    expect((await post('add-ons', { addOnId: NOBODYS_ID })).body.code).toBe('not_found');
    await app.rows(sql`
      insert into add_ons (id, code, version, name, kind, quantity, price, currency)
      select '01900000-0000-7000-8000-0000000000ff', code, 2, name, kind, quantity, 6, currency
      from add_ons where id = ${MINI_1000}`);
    expect((await post('add-ons', { addOnId: MINI_1000 })).body.code).toBe('not_found');
    await app.rows(sql`delete from add_ons where version = 2`);
    await app.rows(sql`update add_ons set is_offered = false`);
    expect((await post('add-ons', { addOnId: MINI_1000 })).body.code).toBe('not_found');
    await app.rows(sql`update add_ons set is_offered = true`);
  });

  it.each([{}, { addOnId: 'x' }, { addOnId: MINI_1000, quantity: 0 }, { addOnId: MINI_1000, quantity: 1.5 }])(
    'refuses %j',
    async (body) => {
      expect((await post('add-ons', body)).body.code).toBe('validation_failed');
    },
  );
});

describe('Stripe', () => {
  it('that fails for a moment is asked again, under the same key', async () => {
    app.stripe.failures = 2;
    expect((await post('add-ons', { addOnId: MINI_1000 })).status).toBe(200);
    const keys = asked('customers').map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
  });

  it('that is away is a 503 with Retry-After, one that refuses the key a 501', async () => {
    for (const [mode, status, code] of [
      ['down', 503, 'unavailable'],
      [429, 503, 'unavailable'],
      ['refused', 501, 'not_configured'],
    ] as const) {
      app.stripe.mode = mode;
      const reply = await post('add-ons', { addOnId: MINI_1000 });
      expect([mode, reply.status, reply.body.code]).toEqual([mode, status, code]);
      if (status === 503) expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(app.logLines.filter((line) => line.includes('StripeFailure')).length).toBeGreaterThan(0);
  });

  it('and its secrets are in no line of the log and in no answer', async () => {
    const log = app.logLines.join('\n');
    for (const secret of [app.stripe.secretKey, app.stripe.webhookSecret]) expect(log).not.toContain(secret);
  });
});

describe('who may', () => {
  it('is the account in person: no key, nobody without a session', async () => {
    const key = await app.request('POST', '/v1/api-keys', {
      token: account.token,
      body: { name: 'Key', scopes: ['admin'] },
    });
    const routes: [string, string, object?][] = [
      ['GET', '/v1/billing/subscription'],
      ['POST', '/v1/billing/checkout', { plan: 'pro' }],
      ['POST', '/v1/billing/add-ons', { addOnId: MINI_1000 }],
      ['POST', '/v1/billing/portal'],
    ];
    for (const [method, path, body] of routes) {
      expect((await app.request(method, path, { token: key.body.key, body })).status).toBe(403);
      expect((await app.request(method, path, { body })).status).toBe(401);
    }
    expect(app.stripe.requests).toEqual([]);
  });
});

describe('an account that is erased', () => {
  it('ends what it pays at Stripe, also when Stripe is away at first', async () => {
    await post('checkout', { plan: 'pro' });
    await subscribe();
    const [customerId = ''] = [...app.stripe.state.customers.keys()].slice(-1);
    app.stripe.mode = 'down';
    expect((await app.request('DELETE', '/v1/auth/me', { token: account.token })).status).toBe(204);
    await app.runJobs();
    expect(app.stripe.state.customers.has(customerId)).toBe(true);
    app.stripe.mode = 'normal';
    app.clock.advance(600_000);
    await app.runJobs();
    expect(app.stripe.state.customers.has(customerId)).toBe(false);
    const jobs = await app.rows(sql`select status, attempts from jobs where type = 'end-payments'`);
    expect(jobs).toEqual([{ status: 'succeeded', attempts: 2 }]);
  });
});

describe('a server without payments', () => {
  it('answers 501 and says what is missing, and reads no event', async () => {
    for (const environment of [
      {},
      { STRIPE_SECRET_KEY: 'sk_test_1' },
      { STRIPE_WEBHOOK_SECRET: 'whsec_1' },
    ]) {
      const bare = await createTestApp({ environment });
      const { token } = await bare.register();
      const ask = (path: string, body?: object) => bare.request('POST', path, { token, body });
      const replies = [
        await ask('/v1/billing/checkout', { plan: 'pro' }),
        await ask('/v1/billing/add-ons', { addOnId: MINI_1000, quantity: 1 }),
        await ask('/v1/billing/portal'),
        await ask('/v1/stripe/webhook', { id: 'evt_1' }),
      ];
      for (const { status, body } of replies) {
        expect([status, body.code]).toEqual([501, 'not_configured']);
        for (const name of ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'])
          expect(body.detail.includes(name)).toBe(!(name in environment));
      }
      expect((await bare.request('GET', '/v1/billing/subscription', { token })).body).toEqual({
        plan: 'free',
        status: 'active',
        paidBy: 'nobody',
        trialEndsAt: null,
        pendingPlan: null,
        pendingAt: null,
      });
      await bare.close();
    }
  });
});
