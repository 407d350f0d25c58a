import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  chargeObject,
  invoiceObject,
  stripeId,
  subscriptionObject,
} from '#test/fakes/fake-stripe-objects.js';
import type { SignedEvent } from '#test/fakes/fake-stripe.js';
import { type StripeApp, createStripeApp } from '#test/stripe-account.js';

const DAY = 86_400;
const MINI_1000 = '01900000-0000-7000-8000-000000000011';

let app: StripeApp;
let now: number;
let account: Awaited<ReturnType<StripeApp['registerCustomer']>>;

beforeAll(async () => {
  app = await createStripeApp();
});
beforeEach(async () => {
  now = app.nowSeconds();
  account = await app.registerCustomer();
});
afterAll(() => app.close());

const metadata = () => ({ userId: account.userId, plan: 'pro' });
const subscription = (changes: Partial<Parameters<typeof subscriptionObject>[0]> = {}) =>
  subscriptionObject({ customer: account.customerId, created: now - 100, metadata: metadata(), ...changes });
/** Signed now, whenever it happened. */
const told = (type: string, object: object, created = now - 50, id?: string) =>
  app.stripe.event(type, object, { created, signedAt: now, ...(id === undefined ? {} : { id }) });

async function deliver(...events: SignedEvent[]): Promise<void> {
  for (const event of events) expect((await app.deliver(event)).status).toBe(200);
}
const outcomeOf = async (event: SignedEvent) =>
  (await app.rows<{ outcome: string }>(sql`select outcome from stripe_events where id = ${event.id}`))[0]
    ?.outcome;
const ledger = (type: string, userId = account.userId) =>
  app.rows(sql`
    select reason, quantity, amount::float as amount, currency from billing_events
    where user_id = ${userId} and type::text = ${type} order by id`);
const mailsTo = async (email: string) => {
  await app.runJobs();
  return app.mails.filter(({ to }) => to === email).map(({ subject }) => subject);
};

function permutations<T>(items: T[]): T[][] {
  if (items.length < 2) return [items];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

describe('an event', () => {
  const event = () => told('customer.subscription.created', subscription());

  it('is refused where its signature is not right, and changes nothing', async () => {
    const { body, headers } = event();
    const sign = (options: { signedAt?: number; secret?: string }) =>
      app.stripe.event('customer.subscription.created', subscription(), { created: now, ...options });
    const right = headers['stripe-signature'] ?? '';
    const bad: Pick<SignedEvent, 'body' | 'headers'>[] = [
      { body, headers: {} },
      { body, headers: { 'stripe-signature': '' } },
      { body, headers: { 'stripe-signature': 'nonsense' } },
      { body, headers: { 'stripe-signature': right.replace('v1=', 'v0=') } },
      { body, headers: { 'stripe-signature': right.replace(/.$/, (last) => (last === '0' ? '1' : '0')) } },
      { body, headers: { 'stripe-signature': right.replace(/t=\d+/, `t=${now - 1}`) } },
      { body: body.replace('"active"', '"active" '), headers },
      sign({ secret: 'whsec_another' }),
      sign({ signedAt: now - 301 }),
      sign({ signedAt: now + 301 }),
    ];
    for (const request of bad) {
      const reply = await app.deliver(request);
      expect([reply.status, reply.body.code]).toEqual([400, 'malformed']);
    }
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'free', stripe_subscription_id: null });
    await deliver(sign({ signedAt: now - 299 }), sign({ signedAt: now + 299 }));
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'pro' });
  });

  it('is refused where it is too large, or no JSON', async () => {
    const large = told('customer.subscription.created', { ...subscription(), note: 'x'.repeat(600_000) });
    expect((await app.deliver(large)).status).toBe(413);
    const headers = { ...event().headers, 'content-type': 'text/plain' };
    expect((await app.deliver({ ...event(), headers })).status).toBe(415);
  });

  it('may have a second signature, of a secret that is about to go', async () => {
    const { body, headers } = event();
    const old = app.stripe.event('x', {}, { created: now, secret: 'whsec_old' }).headers['stripe-signature'];
    const both = `${old},${headers['stripe-signature']?.split(',')[1]}`.replace(/t=\d+/, `t=${now}`);
    await deliver({ id: '', body, headers: { 'stripe-signature': both } });
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'pro' });
  });

  it('of another program on the same Stripe account is left alone', async () => {
    const foreign = told(
      'customer.subscription.created',
      subscription({ customer: 'cus_of_another', metadata: {} }),
    );
    const unknown = told('terminal.reader.action_failed', { id: 'tmr_1', object: 'terminal.reader' });
    await deliver(foreign, unknown);
    expect(await outcomeOf(foreign)).toBe('unknown_account');
    expect(await outcomeOf(unknown)).toBeUndefined();
  });

  it('is of the account whose customer it names, and of no other', async () => {
    const other = await app.registerCustomer();
    await deliver(
      told(
        'customer.subscription.created',
        subscription({ metadata: { userId: other.userId, plan: 'pro' } }),
      ),
    );
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'pro' });
    expect(await app.billingOf(other.userId)).toMatchObject({ plan: 'free', stripe_subscription_id: null });
  });

  it('that was applied is not looked at again', async () => {
    const made = event();
    await deliver(made, told('customer.subscription.updated', subscription(), now - 10));
    const replies = await Promise.all(Array.from({ length: 10 }, () => app.deliver(made)));
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    // Looked at again it would be older than what was applied.
    expect(await outcomeOf(made)).toBe('applied');
  });

  it('works while Stripe cannot be reached', async () => {
    app.stripe.mode = 'down';
    await deliver(event());
    app.stripe.mode = 'normal';
    expect(await app.billingOf(account.userId)).toMatchObject({
      plan: 'pro',
      status: 'active',
      mini: 100_000,
    });
  });
});

describe('the life of a subscription', () => {
  it('ends the same in each of the 24 orders of its events', async () => {
    const states = new Set<string>();
    for (const order of permutations([0, 1, 2, 3])) {
      account = await app.registerCustomer();
      const id = stripeId('sub');
      const at = (changes: Record<string, unknown>) => subscription({ id, changes });
      const session = {
        id: stripeId('cs'),
        object: 'checkout.session',
        mode: 'subscription',
        created: now - 200,
        customer: account.customerId,
        subscription: id,
        payment_status: 'paid',
        metadata: metadata(),
      };
      const events = [
        told('checkout.session.completed', session, now - 90),
        told('customer.subscription.created', at({ status: 'trialing', trial_end: now + DAY }), now - 90),
        told('customer.subscription.updated', at({ status: 'past_due' }), now - 60),
        told('customer.subscription.updated', at({ cancel_at_period_end: true }), now - 30),
      ];
      await deliver(...order.map((index) => events[index] ?? events[0]!));
      const { stripe_subscription_id: subscriptionId, ...state } = await app.billingOf(account.userId);
      expect(subscriptionId).toBe(id);
      states.add(JSON.stringify(state));
    }
    expect([...states].map((state) => JSON.parse(state))).toEqual([
      expect.objectContaining({
        plan: 'pro',
        status: 'active',
        pending_plan: 'free',
        mini: 100_000,
        periods: 2,
      }),
    ]);
  });

  it('ends the same in each order where it has ended: what has ended does not come back', async () => {
    const states = new Set<string>();
    for (const order of permutations([0, 1, 2, 3])) {
      account = await app.registerCustomer();
      const id = stripeId('sub');
      const at = (status: string) => subscription({ id, changes: { status } });
      const session = {
        object: 'checkout.session',
        customer: account.customerId,
        subscription: id,
        metadata: metadata(),
      };
      const events = [
        told('checkout.session.completed', { id: stripeId('cs'), ...session }, now - 90),
        told('customer.subscription.created', at('active'), now - 90),
        // Stripe does not promise that times rise.
        told('customer.subscription.deleted', at('canceled'), now - 60),
        told('customer.subscription.updated', at('active'), now - 30),
      ];
      await deliver(...order.map((index) => events[index] ?? events[0]!));
      const { stripe_subscription_id: subscriptionId, ...state } = await app.billingOf(account.userId);
      expect(subscriptionId).toBe(id);
      states.add(JSON.stringify(state));
    }
    expect([...states].map((state) => JSON.parse(state))).toEqual([
      expect.objectContaining({ plan: 'free', status: 'cancelled', pending_plan: null, mini: 1_000 }),
    ]);
  });

  it('ends the same in each order of events of one second', async () => {
    const ends = new Set<string>();
    for (const order of permutations([0, 1, 2])) {
      account = await app.registerCustomer();
      const id = stripeId('sub');
      const at = (changes: Record<string, unknown>) => subscription({ id, changes });
      const events = [
        told('customer.subscription.created', at({ status: 'incomplete' }), now - 60, `evt_9${id}`),
        told('customer.subscription.updated', at({ status: 'past_due' }), now - 60, `evt_1${id}`),
        told('customer.subscription.updated', at({ status: 'active' }), now - 60, `evt_2${id}`),
      ];
      await deliver(...order.map((index) => events[index] ?? events[0]!));
      const { status, plan } = await app.billingOf(account.userId);
      ends.add(`${String(plan)} ${String(status)}`);
    }
    expect([...ends]).toEqual(['pro active']);
  });

  it('begins with a period of its own, on its own day, and leaves the one before as it was', async () => {
    const anchor = Math.floor(Date.UTC(2026, 0, 31, 10, 20, 30) / 1000);
    await deliver(
      told('customer.subscription.created', subscription({ changes: { billing_cycle_anchor: anchor } })),
    );
    const periods = await app.rows<{ period_start: Date; period_end: Date; mini: number }>(sql`
      select period_start, period_end, limit_messages_mini as mini from usage_periods
      where user_id = ${account.userId} order by period_start`);
    expect(periods.map(({ mini }) => mini)).toEqual([1_000, 100_000]);
    expect(new Date(periods[0]?.period_end ?? 0)).toEqual(app.clock.now());
    expect(new Date(periods[1]?.period_start ?? 0)).toEqual(app.clock.now());
    expect(new Date(periods[1]?.period_end ?? 0).toISOString()).toMatch(/-(28|29|30|31)T10:20:30\.000Z$/);
  });

  it('has a trial, whose plan holds at once', async () => {
    const trial = { status: 'trialing', trial_end: now + 14 * DAY, billing_cycle_anchor: now + 14 * DAY };
    await deliver(told('customer.subscription.created', subscription({ changes: trial })));
    const { body } = await app.request('GET', '/v1/billing/subscription', { token: account.token });
    expect(body).toEqual({
      plan: 'pro',
      status: 'trialing',
      paidBy: 'stripe',
      trialEndsAt: new Date((now + 14 * DAY) * 1000).toISOString(),
      pendingPlan: null,
      pendingAt: null,
    });
  });

  it('rises at once and falls with its period, as prices say', async () => {
    await app.rows(sql`update plans set stripe_price_id = 'price_of_' || name where name <> 'free'`);
    const id = stripeId('sub');
    const pro = subscription({ id, priceId: 'price_of_pro' });
    const larger = subscription({ id, priceId: 'price_of_enterprise' });
    await deliver(
      told('customer.subscription.created', pro, now - 50),
      told('customer.subscription.updated', larger, now - 40),
    );
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'enterprise', mini: null });
    // A smaller plan from the next month on is a schedule of Stripe's, which is asked for.
    const at = now + 20 * DAY;
    const phases = [
      { start_date: now - 100, items: [{ price: 'price_of_enterprise' }] },
      { start_date: at, items: [{ price: 'price_of_pro' }] },
    ];
    const schedule = { id: 'sub_sched_1', status: 'active', current_phase: { end_date: at }, phases };
    app.stripe.state.subscriptions.set(id, { ...larger, schedule });
    await deliver(told('customer.subscription.updated', { ...larger, schedule: 'sub_sched_1' }, now - 30));
    await app.runJobs();
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'enterprise', pending_plan: 'pro' });
    await deliver(told('customer.subscription.updated', pro, now + 1));
    expect(await app.billingOf(account.userId)).toMatchObject({
      plan: 'pro',
      pending_plan: null,
      mini: 100_000,
    });
    await app.rows(sql`update plans set stripe_price_id = null`);
  });

  it('keeps its plan while a payment is late, says so once, and loses it when nobody pays', async () => {
    const id = stripeId('sub');
    const at = (status: string) => subscription({ id, changes: { status } });
    await deliver(
      told('customer.subscription.created', at('active'), now - 50),
      told('customer.subscription.updated', at('past_due'), now - 40),
      told('customer.subscription.updated', at('past_due'), now - 39),
    );
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'pro', status: 'past_due' });
    await deliver(told('customer.subscription.updated', at('unpaid'), now - 30));
    expect(await app.billingOf(account.userId)).toMatchObject({
      plan: 'free',
      status: 'past_due',
      mini: 1_000,
    });
    await deliver(told('customer.subscription.updated', at('active'), now - 20));
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'pro', status: 'active' });
    const subjects = await mailsTo(account.email);
    expect(subjects.filter((subject) => subject.includes('payment did not go through'))).toHaveLength(1);
    expect(subjects.filter((subject) => subject === 'Your pro plan has ended')).toHaveLength(1);
  });

  it('is the newest of an account, whatever is told of an older one later', async () => {
    const older = subscription({ created: now - 5_000 });
    const newer = subscription({ created: now - 60 });
    await deliver(
      told('customer.subscription.created', newer, now - 60),
      told('customer.subscription.deleted', { ...older, status: 'canceled' }, now - 10),
      told('customer.subscription.updated', older, now - 5),
    );
    expect(await app.billingOf(account.userId)).toMatchObject({
      plan: 'pro',
      stripe_subscription_id: newer.id,
    });
  });

  it('of which nothing was ever paid changes nothing', async () => {
    await app.rows(sql`update users set plan = 'enterprise' where id = ${account.userId}`);
    const id = stripeId('sub');
    const at = (status: string) => subscription({ id, changes: { status } });
    const session = {
      id: stripeId('cs'),
      subscription: id,
      customer: account.customerId,
      metadata: metadata(),
    };
    const unpaid = told('checkout.session.completed', { ...session, payment_status: 'unpaid' });
    const events = [
      told('customer.subscription.created', at('incomplete')),
      unpaid,
      told('customer.subscription.updated', at('incomplete_expired')),
    ];
    await deliver(...events);
    expect(await app.billingOf(account.userId)).toMatchObject({
      plan: 'enterprise',
      status: 'active',
      stripe_subscription_id: null,
      periods: 1,
    });
  });

  it('changes what its projects are on, with a line in the ledger and one in the audit log', async () => {
    const projectId = await app.createProject(account.token);
    await deliver(told('customer.subscription.created', subscription()));
    const [project] = await app.rows(sql`select plan from projects where id = ${projectId}`);
    expect(project).toEqual({ plan: 'pro' });
    expect(await ledger('plan_changed')).toEqual([
      { reason: 'subscription', quantity: 0, amount: null, currency: null },
    ]);
    const audit = await app.rows(sql`
      select actor_type, changes from audit_logs where action = 'user.change_plan' and resource_id = ${account.userId}`);
    expect(audit).toMatchObject([
      { actor_type: 'system', changes: { before: { plan: 'free' }, after: { plan: 'pro' } } },
    ]);
  });
});

describe('credits', () => {
  const purchase = (paymentIntent: string, packages = 2) => ({
    metadata: { userId: account.userId, addOnId: MINI_1000, quantity: String(packages) },
    paymentIntent,
  });
  const session = (paymentIntent: string, changes: Record<string, unknown> = {}) => ({
    id: stripeId('cs'),
    object: 'checkout.session',
    mode: 'payment',
    customer: account.customerId,
    payment_intent: paymentIntent,
    payment_status: 'paid',
    amount_total: 1_000,
    currency: 'usd',
    metadata: purchase(paymentIntent).metadata,
    ...changes,
  });
  const charge = (paymentIntent: string, refunded: number, id = `ch_${paymentIntent}`) =>
    chargeObject({ customer: account.customerId, amount: 1_000, refunded, id, ...purchase(paymentIntent) });
  const grants = () =>
    app.rows<{ quantity: number; used: number; revoked: number }>(
      sql`select quantity, used, revoked from credit_grants where user_id = ${account.userId}`,
    );

  it('are given once, however often and in however many ways their payment is told', async () => {
    const paymentIntent = stripeId('pi');
    const event = told('checkout.session.completed', session(paymentIntent));
    const again = told('checkout.session.async_payment_succeeded', session(paymentIntent));
    const replies = await Promise.all([
      ...Array.from({ length: 20 }, () => app.deliver(event)),
      ...Array.from({ length: 5 }, () => app.deliver(again)),
    ]);
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    expect(await grants()).toEqual([{ quantity: 2_000, used: 0, revoked: 0 }]);
    expect(await ledger('credits_granted')).toEqual([
      { reason: 'bought', quantity: 2_000, amount: null, currency: null },
    ]);
    expect(await ledger('payment')).toEqual([{ reason: 'add_on', quantity: 2, amount: 10, currency: 'USD' }]);
  });

  it('are not given before they are paid, nor for an add-on that is not there', async () => {
    const paymentIntent = stripeId('pi');
    const nothing = told(
      'checkout.session.completed',
      session(stripeId('pi'), { metadata: { ...purchase('').metadata, addOnId: account.userId } }),
    );
    await deliver(
      told('checkout.session.completed', session(paymentIntent, { payment_status: 'unpaid' })),
      nothing,
    );
    expect(await grants()).toEqual([]);
    expect(await outcomeOf(nothing)).toBe('unknown_add_on');
    await deliver(told('checkout.session.async_payment_succeeded', session(paymentIntent)));
    expect(await grants()).toHaveLength(1);
  });

  it('go back with their money as far as they are left, in whatever order that is told', async () => {
    for (const order of permutations([0, 1, 2])) {
      account = await app.registerCustomer();
      const paymentIntent = stripeId('pi');
      const events = [
        told('checkout.session.completed', session(paymentIntent), now - 50),
        told('charge.refunded', charge(paymentIntent, 300), now - 40),
        told('charge.refunded', charge(paymentIntent, 1_000), now - 30),
      ];
      await deliver(...order.map((index) => events[index] ?? events[0]!));
      expect(await grants()).toEqual([{ quantity: 2_000, used: 0, revoked: 2_000 }]);
      const refunds = await ledger('refund');
      expect(refunds.reduce((sum, { amount }) => sum + Number(amount), 0)).toBe(-10);
      const revoked = await ledger('credits_revoked');
      expect(revoked.reduce((sum, { quantity }) => sum + Number(quantity), 0)).toBe(-2_000);
    }
  });

  it('lose as large a part as of their money goes back', async () => {
    const paymentIntent = stripeId('pi');
    await deliver(told('checkout.session.completed', session(paymentIntent)));
    await deliver(told('charge.refunded', charge(paymentIntent, 300), now - 40));
    expect(await grants()).toEqual([{ quantity: 2_000, used: 0, revoked: 600 }]);
    expect(await ledger('credits_revoked')).toMatchObject([{ quantity: -600 }]);
  });

  it('that were used stay used when their money goes back', async () => {
    const paymentIntent = stripeId('pi');
    await deliver(told('checkout.session.completed', session(paymentIntent)));
    await app.rows(sql`update credit_grants set used = 1900, reserved = 1 where user_id = ${account.userId}`);
    await deliver(told('charge.refunded', charge(paymentIntent, 500), now - 40));
    expect(await grants()).toEqual([{ quantity: 2_000, used: 1_900, revoked: 99 }]);
    await deliver(told('charge.refunded', charge(paymentIntent, 1_000), now - 30));
    expect(await grants()).toEqual([{ quantity: 2_000, used: 1_900, revoked: 99 }]);
    expect(await ledger('credits_revoked')).toMatchObject([{ quantity: -99 }]);
    // What was in use comes back, and has expired.
    const [grant] = await app.rows<{ over: boolean }>(
      sql`select expires_at <= ${app.clock.now()} as over from credit_grants where user_id = ${account.userId}`,
    );
    expect(grant?.over).toBe(true);
  });
});

describe('a bill', () => {
  const stored = () =>
    app.rows(sql`
      select status, amount::text, currency, number, hosted_url, (period_end - period_start)::text as length
      from invoices where user_id = ${account.userId}`);

  it('is stored as it was last, in each order of what is told of it, and its payment is booked once', async () => {
    const ends = new Set<string>();
    for (const order of permutations([0, 1, 2, 3])) {
      account = await app.registerCustomer();
      const id = stripeId('in');
      const at = (status: string) =>
        invoiceObject({ id, customer: account.customerId, created: now, status });
      const events = [
        told('invoice.created', at('draft'), now - 40),
        told('invoice.payment_failed', at('open'), now - 30),
        told('invoice.paid', at('paid'), now - 20),
        // Of the same second, and of the same state.
        told('invoice.payment_succeeded', at('paid'), now - 20),
      ];
      await deliver(...order.map((index) => events[index] ?? events[0]!));
      ends.add(JSON.stringify([await stored(), await ledger('payment')]));
    }
    expect([...ends].map((end) => JSON.parse(end))).toEqual([
      [
        [
          {
            status: 'paid',
            amount: '49.00',
            currency: 'USD',
            number: 'BB-0001',
            hosted_url: 'https://invoice.stripe.test/i',
            length: '30 days',
          },
        ],
        [{ reason: 'invoice', quantity: 0, amount: 49, currency: 'USD' }],
      ],
    ]);
  });

  it('in a currency without smaller units is stored in whole ones, and a refund of it is booked', async () => {
    const invoice = invoiceObject({
      customer: account.customerId,
      created: now,
      total: 5_000,
      currency: 'jpy',
    });
    await deliver(told('invoice.paid', invoice));
    expect(await stored()).toMatchObject([{ amount: '5000.00', currency: 'JPY' }]);
    const refund = {
      customer: account.customerId,
      paymentIntent: stripeId('pi'),
      amount: 5_000,
      refunded: 2_000,
      metadata: {},
    };
    await deliver(told('charge.refunded', { ...chargeObject(refund), currency: 'jpy' }));
    expect(await ledger('refund')).toEqual([
      { reason: 'refunded', quantity: 0, amount: -2_000, currency: 'JPY' },
    ]);
  });
});
