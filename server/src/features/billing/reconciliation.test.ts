import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '#kernel/ids.js';
import { subscriptionObject } from '#test/fakes/fake-stripe-objects.js';
import { type StripeApp, createStripeApp } from '#test/stripe-account.js';
import { beginPendingPlans, mendSubscriptions } from './mend-subscriptions.js';
import { reportUsage } from './report-usage.js';

const DAY = 86_400;
const never = new AbortController().signal;

let app: StripeApp;
let account: Awaited<ReturnType<StripeApp['registerCustomer']>>;

beforeAll(async () => {
  app = await createStripeApp();
});
beforeEach(async () => {
  app.stripe.mode = 'normal';
  account = await app.registerCustomer();
});
afterAll(() => app.close());

const subscriptionOf = (facts: Partial<Parameters<typeof subscriptionObject>[0]> = {}) =>
  subscriptionObject({
    customer: account.customerId,
    created: app.nowSeconds() - 10 * DAY,
    metadata: { userId: account.userId, plan: 'pro' },
    ...facts,
  });
const tell = async (type: string, object: object, created = app.nowSeconds()) => {
  const event = app.stripe.event(`customer.subscription.${type}`, object, {
    created,
    signedAt: app.nowSeconds(),
  });
  expect((await app.deliver(event)).status).toBe(200);
};

describe('the nightly look at subscriptions', () => {
  it('mends what was not told, and nothing where all is right', async () => {
    const lost = subscriptionOf();
    app.stripe.state.subscriptions.set(lost.id, lost);
    expect(await mendSubscriptions(app.ctx, never)).toBe(1);
    expect(await app.billingOf(account.userId)).toMatchObject({
      plan: 'pro',
      status: 'active',
      stripe_subscription_id: lost.id,
    });
    expect(await mendSubscriptions(app.ctx, never)).toBe(0);
    lost['status'] = 'canceled';
    expect(await mendSubscriptions(app.ctx, never)).toBe(1);
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'free', status: 'cancelled' });
  });

  it('is not undone by an older event that comes later', async () => {
    const subscription = subscriptionOf();
    app.stripe.state.subscriptions.set(subscription.id, { ...subscription, status: 'past_due' });
    await mendSubscriptions(app.ctx, never);
    await tell('updated', subscription, app.nowSeconds() - 5);
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'pro', status: 'past_due' });
  });

  it('leaves accounts as they are while Stripe is away', async () => {
    await tell('created', subscriptionOf());
    app.stripe.mode = 'refused';
    expect(await mendSubscriptions(app.ctx, never)).toBe(0);
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'pro' });
  });
});

describe('a plan that should have begun', () => {
  it('begins as Stripe says, when that was not told', async () => {
    const subscription = subscriptionOf({ changes: { cancel_at: app.nowSeconds() + 60 } });
    await tell('created', subscription);
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'pro', pending_plan: 'free' });
    app.stripe.state.subscriptions.set(subscription.id, { ...subscription, status: 'canceled' });
    expect(await beginPendingPlans(app.ctx, never)).toBe(0);
    app.clock.advance(61_000);
    expect(await beginPendingPlans(app.ctx, never)).toBe(1);
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'free', pending_plan: null });
  });

  it('begins by itself where there is no Stripe any more', async () => {
    await tell('created', subscriptionOf({ changes: { cancel_at: app.nowSeconds() + 60 } }));
    app.clock.advance(61_000);
    expect(await beginPendingPlans({ ...app.ctx, payments: null }, never)).toBe(1);
    expect(await app.billingOf(account.userId)).toMatchObject({ plan: 'free', status: 'cancelled' });
  });
});

describe('the usage of a day', () => {
  const METER = 'botbase_messages_mini';
  const ofAccount = () =>
    app.stripe.state.meterEvents
      .filter(({ customer }) => customer === account.customerId)
      .map(({ event, value, timestamp }) => [event, value, new Date(timestamp * 1000).toISOString()]);

  /** @param daysAgo in days of UTC */
  async function use(quantity: number, daysAgo: number, tier: 'mini' | 'premium' = 'mini'): Promise<void> {
    const at = new Date(app.clock.now().getTime() - daysAgo * DAY * 1000);
    await app.rows(sql`
      insert into billing_events (id, user_id, type, reason, quantity, tier, period_id, idempotency_key, created_at)
      select ${newId()}, user_id, 'message', 'plan_allowance', ${quantity}, ${tier}::message_tier, id, ${newId()},
        ${at.toISOString()}
      from usage_periods where user_id = ${account.userId} order by period_start desc limit 1`);
  }
  const dayOf = (daysAgo: number) =>
    `${new Date(app.clock.now().getTime() - daysAgo * DAY * 1000).toISOString().slice(0, 10)}T00:00:00.000Z`;
  const differences = () =>
    app.logLines.filter((line) => line.includes('not what the ledger says') && line.includes(account.userId));

  beforeEach(async () => {
    app.stripe.state.meters.clear();
    app.stripe.state.meters.set(METER, 'mtr_1');
    await tell('created', subscriptionOf());
  });

  it('is told once when it is over, as the ledger has it, and nothing of before the subscription', async () => {
    await use(3, 1);
    await use(4, 1);
    await use(5, 2);
    await use(9, 0);
    await use(7, 1, 'premium');
    await use(100, 20);
    expect(await reportUsage(app.ctx, never)).toBe(2);
    expect(ofAccount()).toEqual([
      [METER, 5, dayOf(2)],
      [METER, 7, dayOf(1)],
    ]);
    expect(await reportUsage(app.ctx, never)).toBe(0);
    expect(ofAccount()).toHaveLength(2);
    expect(differences()).toEqual([]);
  });

  it('that could not be told is told with the next run', async () => {
    await use(3, 1);
    app.stripe.mode = 'refused';
    await expect(reportUsage(app.ctx, never)).rejects.toMatchObject({ code: 'not_configured' });
    app.stripe.mode = 'normal';
    expect(await reportUsage(app.ctx, never)).toBe(1);
    expect(ofAccount()).toEqual([[METER, 3, dayOf(1)]]);
  });

  it('counts once where the process died before it had noted that', async () => {
    await use(3, 1);
    await reportUsage(app.ctx, never);
    await app.rows(sql`delete from stripe_meter_reports where user_id = ${account.userId}`);
    expect(await reportUsage(app.ctx, never)).toBe(1);
    expect(ofAccount()).toEqual([[METER, 3, dayOf(1)]]);
  });

  it('that Stripe has counted in another way is said in the log', async () => {
    await use(3, 2);
    await reportUsage(app.ctx, never);
    expect(differences()).toEqual([]);
    const event = app.stripe.state.meterEvents.find(({ customer }) => customer === account.customerId);
    if (event !== undefined) event.value = 2;
    await reportUsage(app.ctx, never);
    expect(differences()).toHaveLength(1);
    expect(JSON.parse(differences()[0] ?? '{}')).toMatchObject({ ledger: 3, told: 3, counted: 2 });
  });

  it('is told to nobody where Stripe has no meters', async () => {
    app.stripe.state.meters.clear();
    await use(3, 1);
    expect(await reportUsage(app.ctx, never)).toBe(0);
    expect(ofAccount()).toEqual([]);
  });
});
