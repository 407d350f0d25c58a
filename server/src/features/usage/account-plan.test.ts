import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { joinProject } from '#test/join-project.js';
import { changePlan, type PlanChange } from './change-plan.js';
import { expireCredits } from './expire-credits.js';
import { grantCredits } from './grant-credits.js';
import { moveAnchor } from './move-anchor.js';
import { lockAccount } from './open-period.js';
import { revokeCredits } from './revoke-credits.js';

const MINI_1000 = '01900000-0000-7000-8000-000000000011';
const DAY_MS = 86_400_000;
const never = new AbortController().signal;

let app: TestApp;
let userId: string;
let token: string;

beforeAll(async () => {
  app = await createTestApp();
});
beforeEach(async () => {
  ({ userId, token } = await app.register());
});
afterAll(() => app.close());

async function rows<T extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<T[]> {
  return (await app.ctx.db.execute(query)).rows as T[];
}
const change = (to: Omit<PlanChange, 'reason'>) =>
  inTransaction(app.ctx, (tx) => changePlan(tx, systemCaller, userId, { ...to, reason: 'test' }));
const openPeriod = () => inTransaction(app.ctx, (tx) => lockAccount(tx, userId));
const lines = (type: string) =>
  rows(
    sql`select quantity, reason from billing_events where user_id = ${userId} and type::text = ${type} order by id`,
  );

async function period() {
  const [row] = await rows(sql`
    select p.name as plan, u.limit_chatbots as chatbots, u.limit_messages_mini as mini,
      u.limit_messages_premium as premium,
      used_messages_mini as used
    from usage_periods u join plans p on p.id = u.plan_id where user_id = ${userId} order by period_start desc limit 1`);
  return row;
}

describe('a change of plan', () => {
  it('holds at once: for the account, its projects and what is left of the period', async () => {
    const projectId = await app.createProject(token);
    await openPeriod();
    await rows(sql`update usage_periods set used_messages_mini = 900 where user_id = ${userId}`);
    expect(await change({ plan: 'pro' })).toBe(true);
    expect(await period()).toEqual({ plan: 'pro', chatbots: 50, mini: 100_000, premium: 10_000, used: 900 });
    expect(await change({ plan: 'free' })).toBe(true);
    expect(await period()).toMatchObject({ plan: 'free', mini: 1_000, used: 900 });
    expect(await rows(sql`select plan from projects where id = ${projectId}`)).toEqual([{ plan: 'free' }]);
    expect(await lines('plan_changed')).toHaveLength(2);
  });

  it('is that of projects which it begins to pay for later', async () => {
    await change({ plan: 'pro' });
    const [made, taken] = [await app.createProject(token), await app.createProject(token)];
    const heir = await joinProject(app, { token, projectId: taken, role: 'editor' });
    const body = { userId: heir.userId };
    expect((await app.request('POST', `/v1/projects/${taken}/transfer`, { token, body })).status).toBe(200);
    const plansOf = await rows(
      sql`select id, plan from projects where id in (${made}, ${taken}) order by id`,
    );
    expect(plansOf).toEqual([
      { id: made, plan: 'pro' },
      { id: taken, plan: 'free' },
    ]);
  });

  it('to what an account is on is none', async () => {
    expect(await change({ plan: 'free' })).toBe(false);
    expect(await lines('plan_changed')).toEqual([]);
  });

  it('brings what was agreed on, which another plan takes back', async () => {
    const customLimits = { messagesMini: 5_000, chatbots: null };
    expect(await change({ plan: 'enterprise', customLimits, customPrice: '499.00' })).toBe(true);
    expect(await period()).toMatchObject({ plan: 'enterprise', mini: 5_000, chatbots: null, premium: null });
    expect(await change({ plan: 'enterprise' })).toBe(false);
    expect(await change({ plan: 'enterprise', customLimits: { messagesMini: 6_000 } })).toBe(true);
    expect(await period()).toMatchObject({ mini: 6_000 });
    await change({ plan: 'pro' });
    expect(await period()).toMatchObject({ plan: 'pro', mini: 100_000 });
    expect(
      await rows(sql`select custom_limits, custom_price from subscriptions where user_id = ${userId}`),
    ).toEqual([{ custom_limits: {}, custom_price: null }]);
  });

  it('leaves who stays on a plan on its version until the period ends', async () => {
    await openPeriod();
    await rows(sql`
      insert into plans (id, name, version, price, currency, limit_chatbots, limit_messages_mini)
      values ('01900000-0000-7000-8000-0000000000f1', 'free', 2, 0, 'USD', 1, 10)`);
    await change({ plan: 'free', customLimits: { chatbots: 7 } });
    expect(await period()).toMatchObject({ chatbots: 7, mini: 1_000 });
    await change({ plan: 'pro' });
    await change({ plan: 'free' });
    expect(await period()).toMatchObject({ chatbots: 1, mini: 10 });
    await rows(sql`update plans set version = 0, limit_messages_mini = 1000 where version = 2`);
  });

  it('is one after the other, however many come at once', async () => {
    await openPeriod();
    const plans = ['pro', 'enterprise', 'free', 'pro', 'enterprise'] as const;
    const changed = await Promise.all(plans.map((plan) => change({ plan })));
    expect(await lines('plan_changed')).toHaveLength(changed.filter(Boolean).length);
    const [account] = await rows(sql`select plan from users where id = ${userId}`);
    expect(await period()).toMatchObject(account ?? {});
  });
});

describe('an anchor that is moved', () => {
  const periods = () =>
    rows<{ start: string; end: string }>(sql`
      select period_start::text as start, period_end::text as end from usage_periods
      where user_id = ${userId} order by period_start`);
  const move = (anchor: Date) => inTransaction(app.ctx, (tx) => moveAnchor(tx, userId, anchor));

  it('ends the period that is under way, once, and begins the next', async () => {
    await openPeriod();
    app.clock.advance(1_000);
    const anchor = new Date(app.clock.now().getTime() - 5 * DAY_MS);
    expect(await move(anchor)).toBe(true);
    expect(await move(anchor)).toBe(false);
    const [first, second, ...more] = await periods();
    expect(more).toEqual([]);
    expect(first?.end).toBe(second?.start);
    // Moved again within one instant there is no period in between.
    expect(await move(new Date(anchor.getTime() - DAY_MS))).toBe(true);
    expect(await periods()).toHaveLength(2);
  });
});

describe('credits', () => {
  const grant = (key: string) =>
    inTransaction(app.ctx, (tx) =>
      grantCredits(tx, systemCaller, {
        userId,
        addOnId: MINI_1000,
        quantity: 1,
        paid: { amount: '5.00', currency: 'USD' },
        idempotencyKey: `${userId} ${key}`,
      }),
    );
  const revoke = (grantId: string, quantity: number | 'all', key: string) =>
    inTransaction(app.ctx, (tx) =>
      revokeCredits(tx, systemCaller, {
        grantId,
        quantity,
        reason: 'test',
        idempotencyKey: `${userId} ${key}`,
      }),
    );

  it('are given once for a key, ten times at once', async () => {
    const given = await Promise.all(Array.from({ length: 10 }, () => grant('once')));
    expect(given.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(given.map(({ grant: { id } }) => id)).size).toBe(1);
    expect(await lines('credits_granted')).toEqual([{ quantity: 1_000, reason: 'bought' }]);
    expect(await lines('payment')).toEqual([{ quantity: 1, reason: 'add_on' }]);
    expect(given[0]?.grant.expiresAt).toEqual(new Date(app.clock.now().getTime() + 365 * DAY_MS));
  });

  it('are taken back as far as they are left', async () => {
    const { id } = (await grant('back')).grant;
    await rows(sql`update credit_grants set used = 700, reserved = 10 where id = ${id}`);
    expect(await revoke(id, 200, 'a')).toBe(200);
    expect(await revoke(id, 200, 'b')).toBe(0);
    expect(await revoke(id, 900, 'c')).toBe(90);
    expect(await revoke(id, 'all', 'd')).toBe(0);
    expect(await lines('credits_revoked')).toEqual([
      { quantity: -200, reason: 'test' },
      { quantity: -90, reason: 'test' },
    ]);
  });

  it('that have expired are written off once, when nothing of them is in use', async () => {
    const { id } = (await grant('expiry')).grant;
    await rows(
      sql`update credit_grants set used = 400, reserved = 1, expires_at = now() - interval '1 day' where id = ${id}`,
    );
    await expireCredits(app.ctx, never);
    expect(await lines('credits_expired')).toEqual([]);
    await rows(sql`update credit_grants set reserved = 0 where id = ${id}`);
    expect(await expireCredits(app.ctx, never)).toBe(1);
    expect(await expireCredits(app.ctx, never)).toBe(0);
    expect(await lines('credits_expired')).toEqual([{ quantity: -600, reason: 'expired' }]);
    const [row] = await rows(
      sql`select quantity - used - revoked as left from credit_grants where id = ${id}`,
    );
    expect(row).toEqual({ left: 0 });
  });
});
