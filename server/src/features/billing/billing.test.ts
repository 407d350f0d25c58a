import { parse } from 'csv-parse/sync';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '#kernel/ids.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';

const SOURCE = { type: 'text', name: 'Refunds', text: 'A refund takes five working days.' };

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

async function moveTo(instant: string): Promise<void> {
  setClock(instant);
  const body = { email: account.email, password: 'correct horse battery' };
  token = (await app.request('POST', '/v1/auth/login', { body })).body.accessToken;
}

const ask = (body: object = {}, project = projectId) => {
  const message = 'How long does a refund take?';
  return app.request('POST', `/v1/projects/${project}/chat`, { token, body: { message, ...body } });
};
const read = (path: string, as = token) => app.request('GET', `/v1/billing/${path}`, { token: as });
const settings = (body: object) => app.request('PATCH', '/v1/billing/account', { token, body });

async function insertInvoice(invoice: { number: string; status?: string; amount?: string }): Promise<void> {
  const { number, status = 'paid', amount = '49.00' } = invoice;
  await app.ctx.db.execute(sql`
    insert into invoices
      (id, user_id, stripe_invoice_id, number, status, amount, currency, period_start, hosted_url, stripe_event_at)
    values (${newId()}, ${account.userId}, ${newId()}, ${number}, ${status}, ${amount}, 'USD',
      '2031-03-01T00:00:00Z', 'https://invoice.stripe.com/i/1', now())`);
}

async function insertGrant(grant: { amount: string | null; at: string; revoked?: number }): Promise<void> {
  const { amount, at, revoked = 0 } = grant;
  await app.ctx.db.execute(sql`
    insert into credit_grants
      (id, user_id, add_on_id, kind, quantity, revoked, amount, currency, idempotency_key, created_at)
    select ${newId()}, ${account.userId}, case when ${amount}::text is not null then id end, kind, quantity, ${revoked},
      ${amount}::numeric, case when ${amount}::text is not null then 'USD' end, ${newId()}, ${at}
    from add_ons where code = 'mini-1000'`);
}

describe('the billing account', () => {
  it('says what holds before anything was used', async () => {
    expect((await read('account')).body).toEqual({
      plan: 'free',
      status: 'active',
      price: '0.00',
      currency: 'USD',
      anchor: null,
      periodStart: '2031-03-01T00:00:00.000Z',
      periodEnd: '2031-04-01T00:00:00.000Z',
      trialEndsAt: null,
      pendingPlan: null,
      pendingAt: null,
      limits: { chatbots: 3, messagesMini: 1000, messagesPremium: 100, indexedPages: 100 },
      customLimits: {},
      spendingCap: null,
      humanTicketCost: null,
      costCurrency: 'USD',
    });
  });

  it('says what was agreed on, and what is to come', async () => {
    await app.ctx.db.execute(sql`update users set plan = 'enterprise' where id = ${account.userId}`);
    await app.ctx.db.execute(sql`
      update subscriptions set status = 'past_due', anchor = '2031-01-15T00:00:00Z', custom_limits = '{"chatbots": 7}',
        custom_price = 300, pending_plan = 'free', pending_at = '2031-03-15T00:00:00Z'
      where user_id = ${account.userId}`);
    await app.ctx.db.execute(sql`delete from usage_periods where user_id = ${account.userId}`);
    expect((await read('account')).body).toMatchObject({
      plan: 'enterprise',
      status: 'past_due',
      price: '300.00',
      anchor: '2031-01-15T00:00:00.000Z',
      periodStart: '2031-02-15T00:00:00.000Z',
      pendingPlan: 'free',
      pendingAt: '2031-03-15T00:00:00.000Z',
      limits: { chatbots: 7, messagesMini: null },
      customLimits: { chatbots: 7 },
    });
  });

  it('has a cap on what models may cost that holds at once, lower and higher', async () => {
    await ask();
    const set = await settings({ spendingCap: '0.00001', humanTicketCost: '6.5' });
    expect([set.status, set.body.spendingCap, set.body.humanTicketCost]).toEqual([200, '0.00001', '6.50']);
    const refused = await ask();
    expect([refused.status, refused.body.usage.what]).toEqual([429, 'spendingCap']);
    const usage = await app.request('GET', '/v1/usage', { token });
    expect(usage.body).toMatchObject({ spendingCap: '0.00001', messagesMini: { used: 1 } });
    await settings({ spendingCap: '5' });
    expect((await ask()).status).toBe(200);
    await settings({ spendingCap: '0' });
    expect((await ask()).status).toBe(429);
    await settings({ spendingCap: null });
    expect((await ask()).status).toBe(200);
    expect((await read('account')).body).toMatchObject({ spendingCap: null, humanTicketCost: '6.50' });
    const { rows } = await app.ctx.db.execute(sql`
      select changes from audit_logs where action = 'billing_account.update' and actor_id = ${account.userId}
      order by id`);
    expect(rows.map(({ changes }) => changes)).toEqual([
      {
        spendingCap: { before: null, after: '0.00001' },
        humanTicketCost: { before: null, after: '6.50' },
      },
      { spendingCap: { before: '0.00001', after: '5.00' } },
      { spendingCap: { before: '5.00', after: '0.00' } },
      { spendingCap: { before: '0.00', after: null } },
    ]);
  });

  it('keeps the cap for the periods to come', async () => {
    await settings({ spendingCap: '0' });
    await moveTo('2031-04-01T00:00:00.000Z');
    expect((await ask()).status).toBe(429);
  });

  it('is for a person who signed in, and takes amounts only', async () => {
    const { key } = (
      await app.request('POST', '/v1/api-keys', { token, body: { name: 'key', scopes: ['admin'] } })
    ).body;
    expect((await read('account', key)).status).toBe(403);
    for (const spendingCap of ['-1', '1e3', '1.0000000001', '', '1,5', 5]) {
      expect([spendingCap, (await settings({ spendingCap })).status]).toEqual([spendingCap, 400]);
    }
    expect((await settings({ humanTicketCost: '0.001' })).status).toBe(400);
    expect((await settings({})).status).toBe(400);
    expect((await settings({ plan: 'pro' })).status).toBe(400);
  });
});

describe('the ledger', () => {
  it('is listed newest first, page by page, with what each line is about', async () => {
    const { body: answer } = await ask();
    const premium = await ask({ model: 'premium' });
    const first = (await read('events?limit=2')).body;
    expect(first.data.map(({ tier }: { tier: string }) => tier)).toEqual(['premium', 'mini']);
    expect(first.data[1]).toEqual({
      id: expect.any(String),
      projectId,
      type: 'message',
      reason: 'plan_allowance',
      quantity: 1,
      tier: 'mini',
      periodId: expect.any(String),
      creditGrantId: null,
      cost: answer.message.usage.cost,
      amount: null,
      currency: null,
      metadata: { messageId: answer.message.id },
      createdAt: '2031-03-10T12:00:00.000Z',
    });
    expect(premium.status).toBe(200);
    const second = (await read(`events?limit=2&cursor=${first.nextCursor}`)).body;
    expect(second.data.map(({ type }: { type: string }) => type)).toContain('period_opened');
    expect(second.nextCursor).toBeNull();
  });

  it('is searched by type, project and month', async () => {
    const other = await app.createProject(token);
    await app.addSource(token, other, SOURCE);
    await ask();
    await ask({}, other);
    await app.ctx.db.execute(sql`
      insert into billing_events (id, user_id, type, reason, quantity, amount, currency, idempotency_key, created_at)
      values (${newId()}, ${account.userId}, 'payment', 'invoice_paid', 0, 49, 'USD', ${newId()},
        '2031-03-31T23:59:59Z')`);
    await moveTo('2031-04-05T00:00:00.000Z');
    await ask();
    const lines = async (query: string) =>
      (await read(`events${query}`)).body.data.map((event: { type: string; projectId: string | null }) =>
        event.projectId === other ? `${event.type} of other` : event.type,
      );
    expect(await lines('?type=message')).toEqual(['message', 'message of other', 'message']);
    expect(await lines(`?type=message&projectId=${other}`)).toEqual(['message of other']);
    expect(await lines('?type=message&month=2031-03')).toEqual(['message of other', 'message']);
    expect(await lines('?type=message&month=2031-04')).toEqual(['message']);
    expect(await lines('?type=payment&month=2031-03')).toEqual(['payment']);
    expect(await lines('?type=payment&month=2031-04')).toEqual([]);
    expect((await read('events?type=nothing')).status).toBe(400);
  });

  it('of a project is for its owners', async () => {
    await ask();
    const stranger = await app.register();
    expect((await read(`events?projectId=${projectId}`, stranger.token)).status).toBe(404);
    expect((await read('events', stranger.token)).body.data).toEqual([]);
    const member = await app.register();
    await app.ctx.db.execute(sql`
      insert into project_members (project_id, user_id, role) values (${projectId}, ${member.userId}, 'editor')`);
    expect((await read(`events?projectId=${projectId}`, member.token)).status).toBe(403);
    await app.ctx.db.execute(
      sql`update project_members set role = 'owner' where user_id = ${member.userId} and project_id = ${projectId}`,
    );
    const { data } = (await read(`events?projectId=${projectId}&type=message`, member.token)).body;
    expect(data).toHaveLength(1);
  });
});

describe('statements', () => {
  it('say of each period what it was under, and what was used and bought in it', async () => {
    await insertGrant({ amount: '5.00', at: '2031-03-02T00:00:00Z', revoked: 1 });
    await insertGrant({ amount: null, at: '2031-03-03T00:00:00Z' });
    await insertGrant({ amount: '5.00', at: '2031-04-01T00:00:00Z' });
    await ask();
    await app.ctx.db.execute(
      sql`update usage_periods set limit_messages_mini = 1 where user_id = ${account.userId}`,
    );
    await ask();
    await ask({ model: 'premium' });
    const usage = (await app.request('GET', '/v1/usage', { token })).body;
    await moveTo('2031-04-05T00:00:00.000Z');
    await ask();
    const { data, nextCursor } = (await read('statements')).body;
    expect(nextCursor).toBeNull();
    expect(data.map((row: Record<string, unknown>) => [row['periodStart'], row['status']])).toEqual([
      ['2031-04-01T00:00:00.000Z', 'open'],
      ['2031-03-01T00:00:00.000Z', 'closed'],
    ]);
    expect(data[1]).toMatchObject({
      periodEnd: '2031-04-01T00:00:00.000Z',
      plan: 'free',
      planVersion: 1,
      price: '0.00',
      currency: 'USD',
      limits: { chatbots: 3, messagesMini: 1, messagesPremium: 100, indexedPages: 100 },
      messagesMini: { plan: 1, credits: 1 },
      messagesPremium: { plan: 1, credits: 0 },
      cost: usage.cost,
      costCurrency: 'USD',
      addOns: [
        { name: '1,000 mini messages', quantity: 1000, revoked: 1, amount: '5.00', currency: 'USD' },
        { name: null, kind: 'messages_mini', quantity: 1000, amount: null, currency: null },
      ],
    });
    expect(data[0].addOns).toMatchObject([{ amount: '5.00', createdAt: '2031-04-01T00:00:00.000Z' }]);
    expect((await read('statements?month=2031-03')).body.data).toEqual([data[1]]);
    const page = (await read('statements?limit=1')).body;
    expect(page.data).toEqual([data[0]]);
    expect((await read(`statements?limit=1&cursor=${page.nextCursor}`)).body.data).toEqual([data[1]]);
    const csv = await read('statements.csv');
    expect(csv.headers['content-disposition']).toBe('attachment; filename="statements.csv"');
    const rows: Record<string, string>[] = parse(csv.body, { columns: true });
    expect(rows).toHaveLength(2);
    expect(rows[1]).toMatchObject({
      periodStart: '2031-03-01T00:00:00.000Z',
      plan: 'free',
      price: '0.00',
      messagesMini: '1',
      messagesMiniByCredits: '1',
      messagesMiniLimit: '1',
      cost: usage.cost,
      addOns: '1,000 mini messages: 1000 for 5.00 USD; messages_mini: 1000 given',
    });
    expect(parse((await read('statements.csv?month=2031-04')).body, { columns: true })).toHaveLength(1);
  });

  it('have the price that was agreed on when the period ended', async () => {
    const admin = await app.register();
    await app.ctx.db.execute(sql`update users set role = 'admin' where id = ${admin.userId}`);
    const agree = async (body: object) => {
      const session = await app.request('POST', '/v1/auth/login', {
        body: { email: admin.email, password: 'correct horse battery' },
      });
      const path = `/v1/admin/users/${account.userId}`;
      return app.request('PATCH', path, { token: session.body.accessToken, body });
    };
    const prices = async () =>
      (await read('statements')).body.data.map(({ price }: { price: string | null }) => price);
    expect((await agree({ plan: 'enterprise', customPrice: '300' })).status).toBe(200);
    await ask();
    expect(await prices()).toEqual(['300.00']);
    await moveTo('2031-04-05T00:00:00.000Z');
    await ask();
    await agree({ customPrice: '250' });
    expect(await prices()).toEqual(['250.00', '300.00']);
    await moveTo('2031-05-05T00:00:00.000Z');
    await agree({ plan: 'pro' });
    expect(await prices()).toEqual(['49.00', '250.00', '300.00']);
  });

  it('are of the own account alone', async () => {
    await ask();
    const stranger = await app.register();
    expect((await read('statements', stranger.token)).body.data).toEqual([]);
    expect(parse((await read('statements.csv', stranger.token)).body, { columns: true })).toEqual([]);
  });
});

describe('invoices', () => {
  it('are listed newest first and given as CSV without formulas', async () => {
    for (let count = 1; count <= 101; count += 1) await insertInvoice({ number: `A-${count}` });
    await insertInvoice({ number: '=HYPERLINK("https://evil.example")', status: 'open', amount: '5.00' });
    const { data, nextCursor } = (await read('invoices?limit=2')).body;
    expect(data[0]).toEqual({
      id: expect.any(String),
      number: '=HYPERLINK("https://evil.example")',
      status: 'open',
      amount: '5.00',
      currency: 'USD',
      periodStart: '2031-03-01T00:00:00.000Z',
      periodEnd: null,
      hostedUrl: 'https://invoice.stripe.com/i/1',
      createdAt: expect.any(String),
    });
    const next = (await read(`invoices?limit=2&cursor=${nextCursor}`)).body;
    expect(next.data.map(({ number }: { number: string }) => number)).toEqual(['A-100', 'A-99']);
    const csv = await read('invoices.csv');
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
    const rows: Record<string, string>[] = parse(csv.body, { columns: true });
    expect(rows.map(({ number }) => number)).toEqual([
      `'=HYPERLINK("https://evil.example")`,
      ...Array.from({ length: 101 }, (_, index) => `A-${101 - index}`),
    ]);
    const stranger = await app.register();
    expect((await read('invoices', stranger.token)).body.data).toEqual([]);
  });
});
