import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eventually } from '../eventually.js';
import { type FakeStripe, startFakeStripe } from '../fakes/fake-stripe.js';
import { stripeId } from '../fakes/fake-stripe-objects.js';
import type { Reply } from './chaos-account.js';
import { type Chaos, atOnce, startChaos } from './chaos-cluster.js';
import { createStepGate } from './step-gate.js';

const ROUNDS = 20;
/** Each of these waits for a process to be given up for dead. */
const KILLS = 3;
const QUESTION = 'How long does a refund take?';
const FREED_MS = 60_000;
const PATIENT_MS = 600_000;
const ADD_ON_OF_FIVE = '01900000-0000-7000-8000-0000000000f5';
/** Of the plan that the accounts are on. */
const PRO_LIMIT = 100_000;

let chaos: Chaos;
let stripe: FakeStripe;
let userId: string;
let projectId: string;
let apiKey: string;

beforeAll(async () => {
  stripe = await startFakeStripe();
  chaos = await startChaos({
    settings: {
      STRIPE_SECRET_KEY: stripe.secretKey,
      STRIPE_WEBHOOK_SECRET: stripe.webhookSecret,
      STRIPE_API_BASE: stripe.url,
    },
  });
  const [account] = chaos.accounts;
  projectId = account.project.replace('/v1/projects/', '');
  const settings = { isPublic: true, modelFallback: 'refusal' };
  await account.send(chaos.urls[0], 'PATCH', account.project, { body: settings });
  const made = await account.send(chaos.urls[0], 'POST', '/v1/api-keys', {
    body: { name: 'Channel', projectId, scopes: ['chat'] },
  });
  apiKey = z.object({ key: z.string() }).parse(made.json()).key;
  const [row] = await chaos.cluster.query('select owner_id from projects where id = $1', [projectId]);
  userId = z.string().parse(row?.['owner_id']);
  await chaos.cluster.query(
    `insert into add_ons (id, code, version, name, kind, quantity, price, currency)
    values ($1, 'five', 1, 'Five messages', 'messages_mini', 5, 1, 'USD')`,
    [ADD_ON_OF_FIVE],
  );
  const [other] = await chaos.cluster.query('select id from users where id <> $1', [userId]);
  await chaos.cluster.query(`update users set role = 'admin' where id = $1`, [other?.['id']]);
  await account.ask(chaos.urls[0]);
}, PATIENT_MS);
afterAll(async () => {
  await chaos.close();
  await stripe.close();
});
afterEach(() => chaos.openai.set({ mode: 'normal', tokenGate: null }));

const urlOf = (index: number) => chaos.urls[index % 2 === 0 ? 0 : 1];
/** As a client does: a server that has too much to do says so, and is asked again. */
async function patiently(send: () => Promise<Reply>): Promise<Reply> {
  for (;;) {
    const reply = await send();
    if (reply.status !== 503) return reply;
    await delay(100 + Math.random() * 400);
  }
}
const ask = (index: number) => patiently(() => chaos.accounts[0].ask(urlOf(index)));
const answered = (replies: Reply[]) => replies.filter(({ status }) => status === 200);
const everyRound =
  (act: (round: number) => Promise<void>, rounds = ROUNDS) =>
  async () => {
    for (let round = 0; round < rounds; round += 1) await act(round);
    expect(await findDifferences()).toEqual([]);
    expect(await chaos.findBroken()).toEqual([]);
  };

interface Counters {
  used: number;
  reserved: number;
  limit: number;
}

/** Of the period that is under way. */
async function counters(): Promise<Counters> {
  const [row] = await chaos.cluster.query(
    `select used_messages_mini as used, reserved_messages_mini as reserved, limit_messages_mini as limit
    from usage_periods where user_id = $1 order by period_start desc limit 1`,
    [userId],
  );
  return z.object({ used: z.number(), reserved: z.number(), limit: z.number() }).parse(row);
}

/** Lets so many more messages through. @returns the counters then */
async function leave(messages: number): Promise<Counters> {
  await chaos.cluster.query(
    `update usage_periods set limit_messages_mini = used_messages_mini + $2
    where user_id = $1 and period_end > now()`,
    [userId, messages],
  );
  return counters();
}

/** The ledger added up by hand: what every counter is and what it ought to be, where they differ. */
function findDifferences() {
  return chaos.cluster.query(`
    select p.id, p.used_messages_mini, p.used_messages_premium, p.reserved_messages_mini, p.cost, l.mini, l.premium, l.cost
    from usage_periods p left join (
      select period_id, coalesce(sum(quantity) filter (where tier = 'mini' and credit_grant_id is null), 0) as mini,
        coalesce(sum(quantity) filter (where tier = 'premium' and credit_grant_id is null), 0) as premium, sum(cost) as cost
      from billing_events where type in ('message', 'uncharged_cost', 'page') group by period_id
    ) l on l.period_id = p.id
    where p.used_messages_mini <> coalesce(l.mini, 0) or p.used_messages_premium <> coalesce(l.premium, 0)
      or p.cost <> coalesce(l.cost, 0) or p.reserved_messages_mini <> 0 or p.reserved_messages_premium <> 0`);
}

describe('messages at once', () => {
  it(
    'get through one of fifty where one is left (1)',
    everyRound(async () => {
      const before = await leave(1);
      const callsBefore = chaos.countCalls('chat/completions');
      const replies = await atOnce(50, ask);
      expect(answered(replies)).toHaveLength(1);
      const refused = replies.filter(({ status }) => status !== 200);
      expect(refused.map(({ status }) => status)).toEqual(Array.from({ length: 49 }, () => 429));
      expect(refused[0]?.json()).toMatchObject({
        code: 'usage_limit_exceeded',
        usage: { what: 'messagesMini' },
      });
      expect(await counters()).toEqual({ used: before.limit, reserved: 0, limit: before.limit });
      expect(chaos.countCalls('chat/completions') - callsBefore).toBe(1);
    }),
  );

  it(
    'get through ten of two hundred over two processes and three channels (2)',
    everyRound(async () => {
      const before = await leave(10);
      const [account] = chaos.accounts;
      const body = { message: QUESTION };
      const path = `${account.project}/chat`;
      // A member in the dashboard, a visitor in a widget, and a program with a key.
      const tokens = [account.accessToken, null, apiKey];
      const replies = await atOnce(200, (index) =>
        patiently(() =>
          account.send(urlOf(index), 'POST', path, { body, token: tokens[index % tokens.length] ?? null }),
        ),
      );
      expect(answered(replies)).toHaveLength(10);
      expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 429]));
      expect(await counters()).toEqual({ used: before.limit, reserved: 0, limit: before.limit });
    }),
  );

  it(
    'give their place back where the model fails (3)',
    everyRound(async () => {
      const before = await leave(1);
      chaos.openai.set({ mode: 'bad_request' });
      const replies = await atOnce(10, ask);
      // Each that had the place fails and gives it back, so more than one may have had it, one after the other.
      for (const reply of answered(replies)) {
        expect(reply.json()['message']).toMatchObject({
          refusal: { reason: 'unavailable' },
          usage: { charged: false },
        });
      }
      expect(await counters()).toEqual({ used: before.used, reserved: 0, limit: before.limit });
      chaos.openai.set({ mode: 'normal' });
      expect((await ask(0)).json()['message']).toMatchObject({
        usage: { charged: true, reason: 'plan_allowance' },
      });
      expect((await ask(1)).status).toBe(429);
    }),
  );

  it(
    'lose no place to an API that is killed after it reserved one (4)',
    everyRound(async () => {
      const before = await leave(1);
      const gate = createStepGate();
      chaos.openai.set({ tokenGate: gate });
      const stream = await chaos.accounts[0].stream(chaos.urls[0]);
      await gate.showFirstWords([stream]);
      expect(await counters()).toMatchObject({ used: before.used, reserved: 1 });
      expect((await ask(1)).status).toBe(429);
      await chaos.cluster.api(0).end('SIGKILL');
      const killedAt = performance.now();
      gate.open();
      await stream.ended;
      await eventually(
        'the reservation to expire',
        async () => ((await counters()).reserved === 0 ? true : null),
        FREED_MS,
      );
      expect(performance.now() - killedAt).toBeLessThan(FREED_MS);
      chaos.openai.set({ tokenGate: null });
      expect((await ask(1)).status).toBe(200);
      expect((await ask(1)).status).toBe(429);
      expect(await counters()).toEqual({ used: before.limit, reserved: 0, limit: before.limit });
      await chaos.cluster.api(0).start();
    }, KILLS),
  );

  it(
    'get through eight of thirty with three of the plan and five credits (5)',
    everyRound(async () => {
      const before = await leave(3);
      const grantId = await buy(ADD_ON_OF_FIVE);
      const replies = await atOnce(30, ask);
      const receipt = z.object({ message: z.object({ usage: z.object({ reason: z.string() }) }) });
      const reasons = answered(replies).map((reply) => receipt.parse(reply.json()).message.usage.reason);
      const ofReason = (reason: string) => reasons.filter((given) => given === reason);
      expect([ofReason('plan_allowance').length, ofReason('add_on_credit').length]).toEqual([3, 5]);
      expect(replies).toHaveLength(30);
      expect(await counters()).toEqual({ used: before.limit, reserved: 0, limit: before.limit });
      expect(
        await chaos.cluster.query(
          `select g.used, g.reserved, (select sum(quantity)::int from billing_events where credit_grant_id = g.id
          and type = 'message') as booked from credit_grants g where id = $1`,
          [grantId],
        ),
      ).toEqual([{ used: 5, reserved: 0, booked: 5 }]);
    }),
  );

  it(
    'are paid for by credits that are bought once, though ten tell of it at once (6)',
    everyRound(async () => {
      const before = await leave(3);
      const [grantId, replies] = await Promise.all([buy(ADD_ON_OF_FIVE, 10), atOnce(50, ask)]);
      // Whoever came before the credits were there was refused, and may ask again.
      const later = await atOnce(10, ask);
      expect(answered([...replies, ...later])).toHaveLength(8);
      expect(await counters()).toEqual({ used: before.limit, reserved: 0, limit: before.limit });
      const given = await chaos.cluster.query(
        `select g.quantity, g.used, g.reserved, (select count(*)::int from billing_events
          where credit_grant_id = g.id and type = 'credits_granted') as lines from credit_grants g where id = $1`,
        [grantId],
      );
      expect(given).toEqual([{ quantity: 5, used: 5, reserved: 0, lines: 1 }]);
    }),
  );

  it(
    'are as many as one of two plans lets through, while the account changes from one to the other (9)',
    everyRound(async (round) => {
      const { used } = await counters();
      const limits = [used + 5, used + 12];
      const change = (index: number) =>
        agree(urlOf(index), { messagesMini: limits[(index + round) % 2] ?? 0 });
      expect(await change(0)).toBe(200);
      const [replies, changes] = await Promise.all([
        atOnce(40, ask),
        (async () => {
          const statuses: number[] = [];
          for (let index = 0; index < 6; index += 1) statuses.push(await change(index));
          return statuses;
        })(),
      ]);
      expect(changes).toEqual(changes.map(() => 200));
      const after = await counters();
      expect(after.used - used).toBe(answered(replies).length);
      expect(answered(replies).length).toBeGreaterThanOrEqual(5);
      expect(answered(replies).length).toBeLessThanOrEqual(12);
      expect(after).toMatchObject({ reserved: 0 });
      expect(await agree(urlOf(round), {})).toBe(200);
    }),
  );

  it(
    'are each of one period at its end, and the next begins once (7)',
    everyRound(async () => {
      const before = await leave(100);
      const usedBefore = await countCharged();
      const [{ count: periodsBefore } = { count: 0 }] = await listPeriods();
      await chaos.cluster.query(
        `update usage_periods set period_end = now() + interval '150 milliseconds'
      where user_id = $1 and period_end > now()`,
        [userId],
      );
      const replies = await atOnce(100, async (index) => {
        await delay((index % 20) * 15);
        return ask(index);
      });
      expect(answered(replies)).toHaveLength(100);
      const [periods] = await listPeriods();
      expect(Number(periods?.['count']) - Number(periodsBefore)).toBe(1);
      expect((await countCharged()) - usedBefore).toBe(100);
      const after = await counters();
      // The allowance is there anew, and once.
      expect(after).toEqual({ used: 100 - (await countLate(before)), reserved: 0, limit: PRO_LIMIT });
    }),
  );
});

/** An admin agrees on other limits with the account; what it is shown is not what a tenant is shown. */
async function agree(url: string, customLimits: { messagesMini?: number }): Promise<number> {
  const { status } = await fetch(`${url}/v1/admin/users/${userId}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${chaos.accounts[1].accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ customLimits }),
  });
  return status;
}

/** Stripe tells of a payment, once or over and over. @returns the credits that it gave */
async function buy(addOnId: string, times = 1): Promise<string> {
  const paymentIntent = stripeId('pi');
  const event = stripe.event(
    'checkout.session.completed',
    {
      id: stripeId('cs'),
      object: 'checkout.session',
      mode: 'payment',
      customer: stripeId('cus'),
      payment_intent: paymentIntent,
      payment_status: 'paid',
      amount_total: 100,
      currency: 'usd',
      metadata: { userId, addOnId, quantity: '1' },
    },
    { created: Math.floor(Date.now() / 1000) },
  );
  const replies = await atOnce(times, (index) =>
    patiently(async () => {
      const { status, headers } = await fetch(`${urlOf(index)}/v1/stripe/webhook`, {
        method: 'POST',
        body: event.body,
        headers: { 'content-type': 'application/json', ...event.headers },
      });
      return { status, headers, text: '', json: () => ({}) };
    }),
  );
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
  const [row, ...others] = await chaos.cluster.query(
    'select id from credit_grants where idempotency_key = $1',
    [`stripe:${paymentIntent}`],
  );
  expect(others).toEqual([]);
  return z.string().parse(row?.['id']);
}

function listPeriods() {
  return chaos.cluster.query('select count(*)::int as count from usage_periods where user_id = $1', [userId]);
}

async function countCharged(): Promise<number> {
  const [row] = await chaos.cluster.query(
    'select sum(used_messages_mini)::int as used from usage_periods where user_id = $1',
    [userId],
  );
  return Number(row?.['used']);
}

/** Charged in the period that has ended, since these counters. */
async function countLate({ used }: Counters): Promise<number> {
  const [row] = await chaos.cluster.query(
    'select used_messages_mini as used from usage_periods where user_id = $1 order by period_start desc offset 1 limit 1',
    [userId],
  );
  return Number(row?.['used']) - used;
}

/** What the first of these tests is worth: it goes red where a limit is read first and written later. */
it(
  'get through more than one by a limit that is read and then written',
  { timeout: PATIENT_MS },
  async () => {
    await chaos.cluster.query('create table naive_limit (used int not null)');
    const through: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await chaos.cluster.query('truncate naive_limit');
      await chaos.cluster.query('insert into naive_limit values (9)');
      const passed = await atOnce(50, async () => {
        const [row] = await chaos.cluster.query('select used from naive_limit');
        if (Number(row?.['used']) >= 10) return false;
        await chaos.cluster.query('update naive_limit set used = used + 1');
        return true;
      });
      through.push(passed.filter(Boolean).length);
    }
    await chaos.cluster.query('drop table naive_limit');
    expect(through.filter((count) => count === 1)).toEqual([]);
  },
);
