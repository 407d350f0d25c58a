import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '#kernel/ids.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';

const SOURCE = { type: 'text', name: 'Refunds', text: 'A refund takes five working days.' };
const NO_COST = '0.000000000';

let app: TestApp;
let openai: FakeOpenAI;
let account: Awaited<ReturnType<TestApp['register']>>;
let token: string;
let projectId: string;

beforeAll(async () => {
  openai = await startFakeOpenAI({});
  app = await createTestApp({
    environment: { OPENAI_BASE_URL: openai.baseUrl, OPENAI_EMBEDDING_MODEL: 'none' },
  });
});
beforeEach(async () => {
  setClock('2031-03-10T12:00:00.000Z');
  account = await app.register();
  await app.ctx.db.execute(
    sql`update users set created_at = '2031-03-02T00:00:00Z' where id = ${account.userId}`,
  );
  ({ token } = account);
  projectId = await app.createProject(token);
  await app.addSource(token, projectId, SOURCE);
});
afterAll(async () => {
  await app.close();
  await openai.close();
});

function setClock(instant: string): void {
  app.clock.advance(Date.parse(instant) - app.clock.now().getTime());
}

/** Tokens last for minutes: after another month somebody signs in anew. */
async function moveTo(instant: string): Promise<void> {
  setClock(instant);
  const body = { email: account.email, password: 'correct horse battery' };
  token = (await app.request('POST', '/v1/auth/login', { body })).body.accessToken;
}

const ask = async (body: object = {}, project = projectId) => {
  const message = 'How long does a refund take?';
  return app.request('POST', `/v1/projects/${project}/chat`, { token, body: { message, ...body } });
};
const read = (query = '', as = token) => app.request('GET', `/v1/usage${query}`, { token: as });
const usage = async (query = '') => (await read(query)).body;
const daily = async (query = '') => (await app.request('GET', `/v1/usage/daily${query}`, { token })).body;

async function rowsOf(query: ReturnType<typeof sql>) {
  return (await app.ctx.db.execute(query)).rows;
}

async function grant(kind: string, quantity: number, expiresAt: string | null = null): Promise<void> {
  await app.ctx.db.execute(sql`
    insert into credit_grants (id, user_id, kind, quantity, expires_at, idempotency_key)
    values (${newId()}, ${account.userId}, ${kind}::credit_kind, ${quantity}, ${expiresAt}, ${newId()})`);
}

/** As if the account had begun to pay then, and had used nothing yet. */
async function anchorAt(instant: string): Promise<void> {
  await app.ctx.db.execute(
    sql`update subscriptions set anchor = ${instant} where user_id = ${account.userId}`,
  );
  await app.ctx.db.execute(sql`delete from usage_periods where user_id = ${account.userId}`);
}

describe('usage', () => {
  it('is zeros before anything happened, and reading writes nothing', async () => {
    expect(await usage()).toEqual({
      projectId: null,
      month: '2031-03',
      periodStart: '2031-03-01T00:00:00.000Z',
      periodEnd: '2031-04-01T00:00:00.000Z',
      plan: 'free',
      messagesMini: { used: 0, usedCredits: 0, limit: 1000, credits: 0 },
      messagesPremium: { used: 0, usedCredits: 0, limit: 100, credits: 0 },
      indexedPages: { used: 1, limit: 100, credits: 0, processed: expect.any(Number) },
      chatbots: { used: 1, limit: 3, credits: 0 },
      cost: NO_COST,
      currency: 'USD',
      spendingCap: null,
    });
    const { token: idle, userId } = await app.register();
    await read('', idle);
    await read('?month=2031-03', idle);
    expect(await rowsOf(sql`select 1 from usage_periods where user_id = ${userId}`)).toEqual([]);
    expect(await rowsOf(sql`select 1 from subscriptions where user_id = ${userId}`)).toEqual([]);
  });

  it('counts what was charged, by tier, and what all of it cost; free answers count as nothing', async () => {
    const charged = [await ask(), await ask(), await ask({ model: 'premium' })];
    const refused = await ask({ message: 'Who was the first emperor of Rome?' });
    expect(refused.body.message.usage.charged).toBe(false);
    const { messagesMini, messagesPremium, cost } = await usage();
    expect([messagesMini.used, messagesPremium.used]).toEqual([2, 1]);
    const [ledger] = await rowsOf(
      sql`select sum(cost)::text as cost from billing_events where user_id = ${account.userId}`,
    );
    expect(cost).toBe(ledger?.['cost']);
    const sum = charged.reduce((total, { body }) => total + Number(body.message.usage.cost), 0);
    expect(Number(cost)).toBeCloseTo(sum, 9);
    expect(sum).toBeGreaterThan(0);
  });

  it('has credits within what is used, and says how many of them there were and are left', async () => {
    await ask();
    await app.ctx.db.execute(
      sql`update usage_periods set limit_messages_mini = 2 where user_id = ${account.userId}`,
    );
    await grant('messages_mini', 5);
    await grant('messages_mini', 7, '2031-03-09T00:00:00Z');
    await grant('indexed_pages', 30, '2031-06-01T00:00:00Z');
    for (let count = 0; count < 3; count += 1) expect((await ask()).status).toBe(200);
    const { messagesMini, indexedPages } = await usage();
    expect(messagesMini).toEqual({ used: 4, usedCredits: 2, limit: 2, credits: 3 });
    expect(indexedPages.credits).toBe(30);
    const ofProject = await usage(`?projectId=${projectId}`);
    expect(ofProject.messagesMini).toEqual({ used: 4, usedCredits: 2, limit: 2, credits: 3 });
  });

  it('of a project has its own numbers, under the limits of the account that pays', async () => {
    const other = await app.createProject(token);
    await app.addSource(token, other, SOURCE);
    await ask();
    await ask({}, other);
    await ask({}, other);
    const ofProject = await usage(`?projectId=${other}`);
    expect(ofProject).toMatchObject({
      projectId: other,
      messagesMini: { used: 2, limit: 1000 },
      indexedPages: { used: 1 },
      chatbots: { used: 1, limit: 3 },
    });
    const all = await usage();
    expect(all).toMatchObject({
      messagesMini: { used: 3 },
      indexedPages: { used: 2 },
      chatbots: { used: 2 },
    });
    const rest = await usage(`?projectId=${projectId}`);
    expect(Number(rest.cost) + Number(ofProject.cost)).toBeCloseTo(Number(all.cost), 9);
  });

  it('of a project is for its owners, and for keys that may do all', async () => {
    const query = `?projectId=${projectId}`;
    const stranger = await app.register();
    expect((await read(query, stranger.token)).status).toBe(404);
    expect((await read('?projectId=x')).status).toBe(404);
    for (const [role, status] of [
      ['viewer', 403],
      ['editor', 403],
      ['owner', 200],
    ] as const) {
      const member = await app.register();
      await app.ctx.db.execute(sql`
        insert into project_members (project_id, user_id, role)
        values (${projectId}, ${member.userId}, ${role}::member_role)`);
      expect([role, (await read(query, member.token)).status]).toEqual([role, status]);
    }
    const key = async (body: object) =>
      (await app.request('POST', '/v1/api-keys', { token, body: { name: 'key', ...body } })).body.key;
    const ofAccount = await key({ scopes: ['admin'] });
    const ofProject = await key({ scopes: ['admin'], projectId });
    const reading = await key({ scopes: ['read'] });
    const statuses = async (as: string) => [(await read('', as)).status, (await read(query, as)).status];
    expect(await statuses(ofAccount)).toEqual([200, 200]);
    expect(await statuses(ofProject)).toEqual([403, 200]);
    expect(await statuses(reading)).toEqual([403, 403]);
  });

  it('of an ended month is what it was, and zeros where nothing happened', async () => {
    await ask();
    await moveTo('2031-05-20T00:00:00.000Z');
    await ask();
    await ask();
    expect(await usage('?month=2031-03')).toMatchObject({
      month: '2031-03',
      periodEnd: '2031-04-01T00:00:00.000Z',
      messagesMini: { used: 1 },
      indexedPages: { used: null },
      chatbots: { used: null },
    });
    expect(await usage('?month=2031-04')).toMatchObject({
      periodStart: '2031-04-01T00:00:00.000Z',
      messagesMini: { used: 0 },
      cost: NO_COST,
    });
    expect(await usage('?month=2031-05')).toEqual(await usage());
    expect((await usage()).messagesMini.used).toBe(2);
    expect((await read('?month=2031-06')).status).toBe(404);
    expect((await read('?month=2031-02')).status).toBe(404);
    expect((await read('?month=2031-13')).status).toBe(400);
    const periods = await rowsOf(sql`select 1 from usage_periods where user_id = ${account.userId}`);
    expect(periods).toHaveLength(2);
  });

  it('goes by the anchor of the account: a month is the period that begins in it', async () => {
    await anchorAt('2031-01-31T08:00:00Z');
    const span = async (query = '') => {
      const { month, periodStart, periodEnd } = await usage(query);
      return [month, periodStart.slice(0, 13), periodEnd.slice(0, 13)];
    };
    expect(await span()).toEqual(['2031-02', '2031-02-28T08', '2031-03-31T08']);
    // In March none has begun yet: it is the one that is under way.
    expect(await span('?month=2031-03')).toEqual(['2031-02', '2031-02-28T08', '2031-03-31T08']);
    await ask();
    await moveTo('2031-04-02T00:00:00.000Z');
    expect(await span('?month=2031-03')).toEqual(['2031-03', '2031-03-31T08', '2031-04-30T08']);
    expect((await usage('?month=2031-02')).messagesMini.used).toBe(1);
  });

  it('is shown to admins for every account', async () => {
    await ask();
    const path = `/v1/admin/users/${account.userId}/usage`;
    expect((await app.request('GET', path, { token })).status).toBe(403);
    const admin = await app.register();
    await app.ctx.db.execute(sql`update users set role = 'admin' where id = ${admin.userId}`);
    const shown = await app.request('GET', path, { token: admin.token });
    expect(shown.body).toEqual(await usage());
    expect(shown.body.messagesMini.used).toBe(1);
    expect((await app.request('GET', `${path}?month=2031-04`, { token: admin.token })).status).toBe(404);
  });
});

describe('usage by day', () => {
  it('has every day of the period, and adds up to it, with what came late on its last day', async () => {
    await ask();
    await ask({ model: 'premium' });
    await moveTo('2031-03-20T23:59:59.000Z');
    await ask();
    await ask({ message: 'Who was the first emperor of Rome?' });
    const [period] = await rowsOf(sql`select id from usage_periods where user_id = ${account.userId}`);
    await app.ctx.db.execute(sql`
      insert into billing_events
        (id, user_id, project_id, type, reason, quantity, tier, period_id, cost, idempotency_key, created_at)
      values (${newId()}, ${account.userId}, ${newId()}, 'message', 'plan_allowance', 1, 'mini', ${period?.['id']},
        0.5, ${newId()}, '2031-04-01T00:00:05Z')`);
    const { data, ...of } = await daily();
    expect(of).toEqual({
      projectId: null,
      month: '2031-03',
      periodStart: '2031-03-01T00:00:00.000Z',
      periodEnd: '2031-04-01T00:00:00.000Z',
      currency: 'USD',
    });
    expect(data.map(({ day }: { day: string }) => day)).toEqual(
      Array.from({ length: 31 }, (_, index) => `2031-03-${String(index + 1).padStart(2, '0')}`),
    );
    const [tenth, twentieth, last] = [data[9], data[19], data[30]];
    expect(tenth).toMatchObject({ messagesMini: 1, messagesPremium: 1 });
    expect(Number(tenth.cost)).toBeGreaterThan(0);
    expect(twentieth).toMatchObject({ messagesMini: 1, messagesPremium: 0 });
    expect(last).toEqual({
      day: '2031-03-31',
      messagesMini: 1,
      messagesPremium: 0,
      pages: 0,
      cost: '0.500000000',
    });
    expect(data[0]).toEqual({
      day: '2031-03-01',
      messagesMini: 0,
      messagesPremium: 0,
      pages: 0,
      cost: NO_COST,
    });
    const sum = data.reduce((total: number, { cost }: { cost: string }) => total + Number(cost), 0);
    expect(sum).toBeCloseTo(Number((await usage()).cost) + 0.5, 9);
    const ofProject = await daily(`?projectId=${projectId}`);
    expect(ofProject.data[9]).toEqual(tenth);
    expect(ofProject.data[30].messagesMini).toBe(0);
  });

  it('has the days that a period with an anchor touches', async () => {
    await anchorAt('2031-01-09T18:00:00Z');
    const { data } = await daily();
    expect([data[0].day, data.at(-1).day, data.length]).toEqual(['2031-03-09', '2031-04-09', 32]);
  });
});

describe('a conversation', () => {
  it('says what its answers cost, and how many of them were charged', async () => {
    const first = await ask();
    const { conversationId } = first.body;
    const second = await ask({ conversationId, message: 'Who was the first emperor of Rome?' });
    const path = `/v1/projects/${projectId}/conversations/${conversationId}`;
    const { body } = await app.request('GET', path, { token });
    const costs = [first, second].map((reply) => Number(reply.body.message.usage.cost));
    expect(body).toMatchObject({ id: conversationId, chargedMessages: 1, currency: 'USD' });
    expect(Number(body.cost)).toBeCloseTo(
      costs.reduce((sum, cost) => sum + cost),
      9,
    );
    expect(Number(body.cost)).toBeGreaterThan(0);
  });
});
