import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createServer } from '#app/create-server.js';
import {
  UNTOLD_TTL_MS,
  createMemoryDefinitionCache,
} from '#providers/definition-cache/memory-definition-cache.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';

const DAY_MS = 86_400_000;

let app: TestApp;
let openai: FakeOpenAI;
let admin: string;

beforeAll(async () => {
  openai = await startFakeOpenAI({});
  app = await createTestApp({
    environment: { OPENAI_BASE_URL: openai.baseUrl, OPENAI_EMBEDDING_MODEL: 'none' },
  });
});
beforeEach(async () => {
  const account = await app.register();
  await app.ctx.db.execute(sql`update users set role = 'admin' where id = ${account.userId}`);
  admin = account.token;
});
afterAll(async () => {
  await app.close();
  await openai.close();
});

const change = (plan: string, body: object, token = admin) =>
  app.request('POST', `/v1/admin/plans/${plan}/versions`, { token, body });
const changeAddOn = (code: string, body: object) =>
  app.request('POST', `/v1/admin/add-ons/${code}/versions`, { token: admin, body });
const catalogue = async () => (await app.request('GET', '/v1/billing/plans')).body;
const planNow = async (name: string) =>
  (await catalogue()).plans.find(({ plan }: { plan: string }) => plan === name);
const addOnNow = async (name: string) =>
  (await catalogue()).addOns.find(({ code }: { code: string }) => code === name);

async function auditOf(resourceId: string) {
  const { rows } = await app.ctx.db.execute(
    sql`select action, changes from audit_logs where resource_id = ${resourceId}`,
  );
  return rows;
}

describe('the plans', () => {
  it('are shown to all with their prices, limits and add-ons', async () => {
    const { plans, addOns } = await catalogue();
    expect(plans).toEqual([
      {
        plan: 'free',
        version: 1,
        price: '0.00',
        currency: 'USD',
        limits: { chatbots: 3, messagesMini: 1000, messagesPremium: 100, indexedPages: 100 },
      },
      {
        plan: 'pro',
        version: 1,
        price: '49.00',
        currency: 'USD',
        limits: { chatbots: 50, messagesMini: 100_000, messagesPremium: 10_000, indexedPages: 10_000 },
      },
      {
        plan: 'enterprise',
        version: 1,
        price: null,
        currency: 'USD',
        limits: { chatbots: null, messagesMini: null, messagesPremium: null, indexedPages: null },
      },
    ]);
    expect(addOns).toEqual([
      {
        id: expect.any(String),
        code: 'mini-1000',
        version: 1,
        name: '1,000 mini messages',
        kind: 'messages_mini',
        quantity: 1000,
        price: '5.00',
        currency: 'USD',
        validDays: 365,
      },
      expect.objectContaining({ code: 'pages-1000' }),
      expect.objectContaining({ code: 'premium-100' }),
    ]);
  });

  it('are changed by a new version, which is shown at once and noted', async () => {
    const first = await change('pro', { price: '59', stripePriceId: 'price_59' });
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({ plan: 'pro', version: 2, price: '59.00', stripePriceId: 'price_59' });
    expect(await planNow('pro')).toMatchObject({ version: 2, price: '59.00', limits: { chatbots: 50 } });
    expect(await planNow('pro')).not.toHaveProperty('stripePriceId');
    expect(await auditOf(first.body.id)).toEqual([
      {
        action: 'plan.change',
        changes: {
          plan: 'pro',
          version: 2,
          price: { before: '49.00', after: '59.00' },
          stripePriceId: { before: null, after: 'price_59' },
        },
      },
    ]);
    const limited = await change('pro', { limits: { messagesMini: null } });
    expect(limited.body).toMatchObject({ version: 3, price: '59.00', stripePriceId: 'price_59' });
    expect(limited.body.limits).toMatchObject({ messagesMini: null, messagesPremium: 10_000 });
    const versions = await app.request('GET', '/v1/admin/plans/pro/versions?limit=2', { token: admin });
    expect(versions.body.data.map(({ version }: { version: number }) => version)).toEqual([3, 2]);
    const rest = await app.request(
      'GET',
      `/v1/admin/plans/pro/versions?limit=2&cursor=${versions.body.nextCursor}`,
      { token: admin },
    );
    expect(rest.body).toMatchObject({ data: [{ version: 1, price: '49.00' }], nextCursor: null });
  });

  it('lose their price at Stripe with another price, as it would charge the old one', async () => {
    await change('pro', { price: '70.00', stripePriceId: 'price_70' });
    expect((await change('pro', { price: '80.00' })).body).toMatchObject({ stripePriceId: null });
    await change('pro', { stripePriceId: 'price_80' });
    expect((await change('pro', { currency: 'EUR' })).body).toMatchObject({
      price: '80.00',
      currency: 'EUR',
      stripePriceId: null,
    });
  });

  it('are changed by admins alone, and only to what is different', async () => {
    const { token } = await app.register();
    expect((await change('pro', { price: '1' }, token)).status).toBe(403);
    const { price, version } = await planNow('pro');
    const same = await change('pro', { price });
    expect([same.status, same.body.code]).toEqual([400, 'validation_failed']);
    for (const body of [
      {},
      { price: '-1' },
      { price: '1.234' },
      { price: 1 },
      { limits: { chatbots: -1 } },
    ]) {
      expect([body, (await change('pro', body)).status]).toEqual([body, 400]);
    }
    expect((await change('platinum', { price: '1' })).status).toBe(404);
    expect((await planNow('pro')).version).toBe(version);
  });

  it('get one version after the other, however many come at once', async () => {
    const { version } = await planNow('enterprise');
    const prices = Array.from({ length: 8 }, (_, index) => `${index + 1}00.00`);
    const replies = await Promise.all(prices.map((price) => change('enterprise', { price })));
    expect(replies.map(({ status }) => status)).toEqual(prices.map(() => 201));
    const versions = replies.map(({ body }) => body.version).toSorted((a, b) => a - b);
    expect(versions).toEqual(prices.map((_, index) => version + 1 + index));
  });

  it('are shown anew by other processes as well, after the time that they remember them for', async () => {
    const time = { ms: 0 };
    const definitions = createMemoryDefinitionCache({ nowMs: () => time.ms });
    const other = await createServer({ ...app.ctx, definitions });
    const shownThere = async () =>
      (await other.inject({ method: 'GET', url: '/v1/billing/plans' })).json().plans[0];
    const { limits } = await shownThere();
    await change('free', { limits: { chatbots: limits.chatbots + 1 } });
    expect((await shownThere()).limits).toEqual(limits);
    time.ms += UNTOLD_TTL_MS;
    expect((await shownThere()).limits).toEqual({ ...limits, chatbots: limits.chatbots + 1 });
    await other.close();
  });
});

describe('a period', () => {
  it('keeps the version that it began with, and the next one has the newest', async () => {
    await change('free', { limits: { messagesMini: 2 } });
    const account = await app.register();
    const projectId = await app.createProject(account.token);
    const source = { type: 'text', name: 'Hours', text: 'The office opens at nine.' };
    await app.addSource(account.token, projectId, source);
    const ask = async (token = account.token) => {
      const body = { message: 'When does the office open?' };
      return (await app.request('POST', `/v1/projects/${projectId}/chat`, { token, body })).status;
    };
    expect(await ask()).toBe(200);
    await change('free', { limits: { messagesMini: 3 } });
    expect([await ask(), await ask()]).toEqual([200, 429]);
    app.clock.advance(31 * DAY_MS);
    const body = { email: account.email, password: 'correct horse battery' };
    const { accessToken } = (await app.request('POST', '/v1/auth/login', { body })).body;
    const statuses = [];
    for (let count = 0; count < 4; count += 1) statuses.push(await ask(accessToken));
    expect(statuses).toEqual([200, 200, 200, 429]);
  });
});

describe('add-ons', () => {
  const NEW = { code: 'mini-5000', name: '5,000 mini messages', kind: 'messages_mini', quantity: 5000 };

  it('are added, changed by new versions and taken from sale', async () => {
    const body = { ...NEW, price: '20', validDays: null };
    const made = await app.request('POST', '/v1/admin/add-ons', { token: admin, body });
    expect(made.status).toBe(201);
    expect(await addOnNow('mini-5000')).toEqual({
      id: made.body.id,
      ...NEW,
      version: 1,
      price: '20.00',
      currency: 'USD',
      validDays: null,
    });
    expect((await app.request('POST', '/v1/admin/add-ons', { token: admin, body })).status).toBe(409);
    const cheaper = await changeAddOn('mini-5000', { price: '15.5', validDays: 30 });
    expect([cheaper.status, cheaper.body.version]).toEqual([201, 2]);
    expect(await addOnNow('mini-5000')).toMatchObject({ version: 2, price: '15.50', validDays: 30 });
    expect(await auditOf(cheaper.body.id)).toMatchObject([
      { action: 'add_on.change', changes: { code: 'mini-5000', price: { before: '20.00', after: '15.50' } } },
    ]);
    await changeAddOn('mini-5000', { isOffered: false });
    expect(await addOnNow('mini-5000')).toBeUndefined();
    const all = await app.request('GET', '/v1/admin/add-ons', { token: admin });
    expect(all.body.data.slice(0, 3)).toMatchObject([
      { code: 'mini-5000', version: 3, isOffered: false },
      { code: 'mini-5000', version: 2, isOffered: true },
      { code: 'mini-5000', version: 1, isOffered: true },
    ]);
    expect((await changeAddOn('nothing', { price: '1' })).status).toBe(404);
    expect((await changeAddOn('mini-5000', { quantity: 0 })).status).toBe(400);
  });
});
