import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '#kernel/ids.js';
import { type Reply, type TestApp, createTestApp } from '#test/create-test-app.js';
import { eventually } from '#test/eventually.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';
import { createTokenGate } from '#test/fakes/token-gate.js';

const SOURCE = {
  type: 'text',
  name: 'Refunds',
  text: 'A refund takes five working days. It goes to the card.',
};
const QUESTION = 'How long does a refund take?';

let app: TestApp;
let openai: FakeOpenAI;
let token: string;
let userId: string;
let email: string;
let projectId: string;

beforeAll(async () => {
  openai = await startFakeOpenAI({});
  app = await createTestApp({
    environment: {
      OPENAI_BASE_URL: openai.baseUrl,
      OPENAI_EMBEDDING_MODEL: 'none',
      RATE_LIMIT_MAX_REQUESTS: '100000',
      RATE_LIMIT_MAX_REQUESTS_AUTH: '100000',
    },
  });
});

beforeEach(async () => {
  openai.set({ mode: 'normal', tokenGate: null });
  ({ token, userId, email } = await app.register());
  projectId = await app.createProject(token, { isPublic: true });
  await app.addSource(token, projectId, SOURCE);
});

afterAll(async () => {
  await app.close();
  await openai.close();
});

const ask = (body: Record<string, unknown> = {}, asking: { token?: string } = { token }): Promise<Reply> =>
  app.request('POST', `/v1/projects/${projectId}/chat`, { ...asking, body: { message: QUESTION, ...body } });

async function rows<T extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<T[]> {
  return (await app.ctx.db.execute(query)).rows as T[];
}

/** The limits of the account's period, as if its plan had been that small. */
async function limitMessages(limit: number): Promise<void> {
  await ask();
  await app.ctx.db.execute(
    sql`update usage_periods set limit_messages_mini = ${limit} where user_id = ${userId}`,
  );
}

async function counters() {
  const [row] = await rows(sql`
    select used_messages_mini as used, reserved_messages_mini as reserved from usage_periods where user_id = ${userId}`);
  const [ledger] = await rows(sql`
    select coalesce(sum(quantity), 0)::int as quantity, count(*)::int as lines from billing_events
    where user_id = ${userId} and type = 'message'`);
  const [project] = await rows(sql`
    select messages_mini as mini from usage_tracking where user_id = ${userId} and project_id = ${projectId}`);
  return { ...row, ledger, project: project?.['mini'] ?? 0 };
}

/** Asks, and waits until so many words of the answer have come; the rest waits for the gate. */
async function askGated(tokens: number) {
  const gate = createTokenGate();
  openai.set({ tokenGate: gate, reply: () => 'A refund takes five working days. It goes to the card. [1]' });
  gate.release(tokens);
  const asked = openai.requests.length;
  const reply = ask();
  await eventually('the model to be asked', () => (openai.requests.length > asked ? true : null));
  const [row] = await rows(
    sql`select id from messages where project_id = ${projectId} and status = 'streaming'`,
  );
  return { reply, gate, messageId: String(row?.['id']) };
}

describe('a message', () => {
  it('is charged once, with a line in the ledger that says why', async () => {
    const { body } = await ask();
    expect(body.message.usage).toMatchObject({ credits: 1, charged: true, reason: 'plan_allowance' });
    expect(await counters()).toEqual({
      used: 1,
      reserved: 0,
      ledger: { quantity: 1, lines: 1 },
      project: 1,
    });
    const [line] = await rows(
      sql`select * from billing_events where user_id = ${userId} and type = 'message'`,
    );
    expect(line).toMatchObject({
      project_id: projectId,
      reason: 'plan_allowance',
      tier: 'mini',
      idempotency_key: `message:${body.message.id}`,
      cost: body.message.usage.cost,
    });
  });

  it('cannot be changed in the ledger', async () => {
    await ask();
    const update = app.ctx.db.execute(sql`update billing_events set quantity = 0`);
    await expect(update).rejects.toMatchObject({
      cause: { message: expect.stringContaining('append-only') },
    });
  });

  it('is free where it is refused', async () => {
    const { body } = await ask({ message: 'Who was the first emperor of Rome?' });
    expect(body.message.refusal.reason).toBe('no_match');
    expect(body.message.usage).toMatchObject({ credits: 0, charged: false, reason: 'refused' });
    expect(await counters()).toMatchObject({ used: 0, reserved: 0, ledger: { lines: 0 } });
  });

  it('is refused at the limit, to members with what they can do and to visitors with what to show', async () => {
    await limitMessages(1);
    const member = await ask();
    expect(member.status).toBe(429);
    const [period] = await rows<{ period_end: Date }>(
      sql`select period_end from usage_periods where user_id = ${userId}`,
    );
    expect(member.body).toMatchObject({
      code: 'usage_limit_exceeded',
      usage: { what: 'messagesMini', used: 1, limit: 1 },
    });
    expect(new Date(member.body.usage.resetsAt)).toEqual(new Date(period?.period_end ?? 0));
    expect(Number(member.headers['retry-after'])).toBeGreaterThan(0);
    const visitor = await ask({}, {});
    expect(visitor.status).toBe(429);
    expect(visitor.body).not.toHaveProperty('usage');
    expect(visitor.body.fallbackMessage).toContain('I could not find an answer');
    // Nothing of them is left: the conversations, too, are as before.
    expect(await rows(sql`select 1 from messages where project_id = ${projectId}`)).toHaveLength(2);
    expect(await counters()).toMatchObject({ used: 1, reserved: 0 });
  });

  it('leaves the other tier alone', async () => {
    await limitMessages(1);
    expect((await ask({ model: 'premium' })).status).toBe(200);
    expect((await ask()).status).toBe(429);
  });

  it('is one of as many as the limit lets through, however many come at once', async () => {
    await limitMessages(4);
    const replies = await Promise.all(Array.from({ length: 12 }, () => ask()));
    expect(replies.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([
      200, 200, 200, 429, 429, 429, 429, 429, 429, 429, 429, 429,
    ]);
    expect(await counters()).toEqual({
      used: 4,
      reserved: 0,
      ledger: { quantity: 4, lines: 4 },
      project: 4,
    });
  });

  it('is paid for by credits after the plan, the oldest that have not expired first', async () => {
    await limitMessages(1);
    const grant = (quantity: number, age: string, expiry: string) => {
      const key = newId();
      return rows<{ id: string }>(sql`
        insert into credit_grants (id, user_id, kind, quantity, created_at, expires_at, idempotency_key)
        values (${key}, ${userId}, 'messages_mini', ${quantity}, now() - ${age}::interval, now() + ${expiry}::interval, ${key})
        returning id`);
    };
    await grant(2, '1 day', '1 day');
    await grant(1, '2 days', '1 day');
    await grant(5, '3 days', '-1 hour');
    const replies = await Promise.all(Array.from({ length: 8 }, () => ask()));
    const answered = replies.filter(({ status }) => status === 200);
    expect(answered.map(({ body }) => body.message.usage.reason)).toEqual(
      Array.from({ length: 3 }, () => 'add_on_credit'),
    );
    expect(
      await rows(
        sql`select quantity, used, reserved from credit_grants where user_id = ${userId} order by created_at`,
      ),
    ).toEqual([
      { quantity: 5, used: 0, reserved: 0 },
      { quantity: 1, used: 1, reserved: 0 },
      { quantity: 2, used: 2, reserved: 0 },
    ]);
    expect(await counters()).toMatchObject({ used: 1, ledger: { quantity: 4 }, project: 4 });
  });

  it('is free where it is stopped before its first word', async () => {
    const { reply, messageId } = await askGated(0);
    expect(await counters()).toMatchObject({ used: 0, reserved: 1 });
    const stop = `/v1/projects/${projectId}/chat/${messageId}/stop`;
    expect((await app.request('POST', stop, { token })).status).toBeLessThan(300);
    const { body } = await reply;
    expect(body.message.usage).toMatchObject({ charged: false, reason: 'stopped_before_text' });
    expect(await counters()).toMatchObject({ used: 0, reserved: 0 });
  });

  it('is charged where its conversation is deleted while its text comes', async () => {
    const { reply, messageId, gate } = await askGated(6);
    const [row] = await rows(sql`select conversation_id as id from messages where id = ${messageId}`);
    const conversation = `/v1/projects/${projectId}/conversations/${String(row?.['id'])}`;
    expect((await app.request('DELETE', conversation, { token })).status).toBe(204);
    gate.open();
    expect((await reply).status).toBe(404);
    expect(await counters()).toMatchObject({ used: 1, reserved: 0, ledger: { lines: 1 } });
  });

  it('is refused when the period has cost as much as its cap', async () => {
    await limitMessages(10);
    await app.ctx.db.execute(
      sql`update usage_periods set spending_cap = 0.5, cost = 0.5 where user_id = ${userId}`,
    );
    const { status, body } = await ask();
    expect([status, body.usage.what]).toEqual([429, 'spendingCap']);
  });

  it('counts towards the cap while it is answered, as much as others have cost', async () => {
    await limitMessages(10);
    await app.ctx.db.execute(
      sql`update usage_periods set spending_cap = 0.25, cost = 0.1 where user_id = ${userId}`,
    );
    const running = [await askGated(2), await askGated(2)];
    const refused = await ask();
    expect([refused.status, refused.body.usage.what, refused.headers['retry-after']]).toEqual([
      429,
      'spendingCap',
      '5',
    ]);
    expect(refused.body.detail).toContain('0.1 are used, and 2 messages are being answered.');
    for (const { gate } of running) gate.open();
    const statuses = await Promise.all(running.map(async ({ reply }) => (await reply).status));
    expect(statuses).toEqual([200, 200]);
    expect((await ask()).status).toBe(200);
  });

  it('that is refused is told of places that may be free again', async () => {
    await limitMessages(2);
    const { gate, reply } = await askGated(2);
    const { status, headers, body } = await ask();
    expect([status, headers['retry-after'], body.usage.used]).toEqual([429, '5', 1]);
    expect(body.detail).toContain(
      '2 mini messages is reached: 1 are used, and 1 messages are being answered.',
    );
    gate.open();
    expect((await reply).status).toBe(200);
    const later = await ask();
    expect(later.body.detail).toContain('2 mini messages is reached: 2 are used. ');
    expect(Number(later.headers['retry-after'])).toBeGreaterThan(5);
  });

  it('warns the account whichever answer ends last', async () => {
    await limitMessages(3);
    const { gate, reply } = await askGated(6);
    openai.set({ tokenGate: null });
    expect((await ask()).status).toBe(200);
    gate.open();
    expect((await reply).status).toBe(200);
    await app.runJobs();
    const warnings = app.mails.filter(({ to }) => to === email).map(({ subject }) => subject);
    expect(warnings).toContain('Your mini messages are used up');
    const lines = await rows(
      sql`select reason from billing_events where user_id = ${userId} and type = 'usage_warning'`,
    );
    expect(lines).toEqual([{ reason: '100_percent' }]);
  });

  it('warns the account at 80 and at 100 %, once each', async () => {
    await limitMessages(5);
    for (let count = 0; count < 4; count += 1) await ask();
    await ask();
    await app.runJobs();
    const warnings = app.mails.filter(({ to }) => to === email).map(({ subject }) => subject);
    expect(warnings.filter((subject) => subject === '80 % of your mini messages are used')).toHaveLength(1);
    expect(warnings.filter((subject) => subject === 'Your mini messages are used up')).toHaveLength(1);
  });
});

describe('a period', () => {
  it('begins with a new row, and what is late lands in its own', async () => {
    await ask();
    await app.ctx.db.execute(sql`
      update usage_periods set period_start = period_start - interval '1 month', period_end = period_start
      where user_id = ${userId}`);
    await ask();
    const used = await rows(
      sql`select used_messages_mini as used from usage_periods where user_id = ${userId} order by period_start`,
    );
    expect(used).toEqual([{ used: 1 }, { used: 1 }]);
  });
});

/** Last: a model that fails is not asked again for a while. */
describe('a message whose model fails', () => {
  it('is charged where there is text of the answer', async () => {
    openai.set({
      mode: 'closed',
      reply: () => 'A refund takes five working days, and goes to the card. '.repeat(9),
    });
    const { body } = await ask();
    expect(body.message).toMatchObject({ status: 'incomplete', usage: { charged: true, credits: 1 } });
    expect(await counters()).toMatchObject({ used: 1, reserved: 0 });
  });

  it('gives its place back where the built-in model answers instead', async () => {
    await limitMessages(2);
    openai.set({ mode: 'server_error' });
    const { body } = await ask();
    expect(body.message.usage).toMatchObject({ charged: false, credits: 0, reason: 'builtin_model' });
    expect(await counters()).toMatchObject({ used: 1, reserved: 0 });
  });
});
