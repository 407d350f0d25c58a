import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addTestSet } from '#test/add-test-set.js';
import { type Reply, type TestApp, createTestApp } from '#test/create-test-app.js';

type Line = Record<string, unknown> & { type: string };

let app: TestApp;
let owner: Awaited<ReturnType<TestApp['register']>>;
let projectId: string;
let base: string;

beforeAll(async () => {
  app = await createTestApp();
  owner = await app.register();
  projectId = await app.createProject(owner.token, { name: 'Shop', isPublic: true });
  base = `/v1/projects/${projectId}`;
  const { token } = owner;
  await app.addSource(token, projectId, { type: 'text', name: 'Hours', text: 'The office opens at nine.' });
  await app.upload(token, projectId, { name: 'prices.txt', content: 'A parcel costs four euros.' });
  await app.runJobs();
  const visitor = { id: 'v-1', email: 'ada@example.com' };
  const body = { message: 'When does the office open?', visitor };
  const chat = (await app.request('POST', `${base}/chat`, { body })).body;
  const rated = { rating: 'down', comment: 'Not at nine.', conversationToken: chat.conversationToken };
  await app.request('POST', `${base}/messages/${chat.message.id}/feedback`, { body: rated });
  await app.request('POST', `${base}/leads`, { body: { email: 'ada@example.com', name: 'Ada' } });
  await addTestSet(app, token, { projectId, text: 'nine' });
  await app.ctx.db.execute(sql`
    insert into project_invitations (id, project_id, email, role, token_hash, expires_at)
    values (gen_random_uuid(), ${projectId}, 'new@example.com', 'editor', 'the-hash', now())`);
  await app.ctx.db.execute(sql`
    insert into leads (id, project_id, phone)
    select gen_random_uuid(), ${projectId}, '12345' || n from generate_series(1, 450) n`);
});
afterAll(() => app.close());

function linesOf(reply: Reply): Line[] {
  expect(reply.status).toBe(200);
  expect(reply.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
  const text: string = reply.body;
  expect(text.endsWith('\n')).toBe(true);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

function countsOf(lines: Line[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of lines.slice(0, -1)) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

/** Names of fields, those in values too. */
function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, item]) => [
    ...(Array.isArray(value) ? [] : [name]),
    ...namesIn(item),
  ]);
}

function expectNoSecrets(lines: Line[]): void {
  const names = new Set(namesIn(lines));
  const known = new Set([
    'embeddingTokens',
    'inputTokens',
    'outputTokens',
    'promptTokens',
    'tokenCount',
    'tokens',
    'promptHash',
  ]);
  const suspicious = [...names].filter((name) => /hash|token|secret|password|sha\d|key(?!word)/i.test(name));
  expect(suspicious.filter((name) => !known.has(name))).toEqual([]);
  expect(JSON.stringify(lines)).not.toMatch(/the-hash|\$2[aby]\$/);
}

describe('the export of a project', () => {
  it('has all it holds, one object a line, and says at the end how much it was', async () => {
    const reply = await app.request('GET', `${base}/export`, { token: owner.token });
    expect(reply.headers['content-disposition']).toBe('attachment; filename="project.ndjson"');
    const lines = linesOf(reply);
    const counts = countsOf(lines);
    expect(lines.at(-1)).toEqual({ type: 'end', counts });
    expect(counts).toMatchObject({
      project: 1,
      member: 1,
      invitation: 1,
      source: 2,
      document: 2,
      conversation: 1,
      message: 2,
      feedback: 1,
      trace: 1,
      lead: 451,
      test_set: 1,
      test_case: 1,
      evaluation_run: 1,
      evaluation_result: 1,
    });
    const first = (type: string) => lines.find((line) => line.type === type);
    expect(first('project')).toMatchObject({ projectId, id: projectId, name: 'Shop', isPublic: true });
    expect(lines.filter(({ type }) => type === 'document').map(({ content }) => content)).toEqual([
      'The office opens at nine.',
      'A parcel costs four euros.',
    ]);
    expect(lines.filter(({ type }) => type === 'source').map(({ origin }) => origin)).toMatchObject([
      { type: 'text' },
      { type: 'file', fileName: 'prices.txt' },
    ]);
    expect(first('conversation')).toMatchObject({ visitorEmail: 'ada@example.com' });
    expect(first('feedback')).toMatchObject({ rating: 'down', comment: 'Not at nine.' });
    expect(lines.filter(({ email }) => email === 'ada@example.com')).toMatchObject([
      { type: 'lead', name: 'Ada' },
    ]);
    expect(new Set(lines.filter(({ type }) => type === 'lead').map(({ id }) => id)).size).toBe(451);
    expect(lines.slice(0, -1).every((line) => line['projectId'] === projectId)).toBe(true);
    expectNoSecrets(lines);
    const { rows } = await app.ctx.db.execute(
      sql`select actor_id from audit_logs where action = 'project.export' and project_id = ${projectId}`,
    );
    expect(rows).toEqual([{ actor_id: owner.userId }]);
  });

  it('is for its owner alone', async () => {
    const ask = async (token?: string) => (await app.request('GET', `${base}/export`, { token })).status;
    const stranger = await app.register();
    expect([await ask(), await ask(stranger.token)]).toEqual([401, 404]);
    const statuses = [];
    for (const role of ['viewer', 'editor']) {
      const { userId, token } = await app.register();
      await app.ctx.db.execute(
        sql`insert into project_members (project_id, user_id, role) values (${projectId}, ${userId}, ${role}::member_role)`,
      );
      statuses.push(await ask(token));
      await app.ctx.db.execute(sql`delete from project_members where user_id = ${userId}`);
    }
    expect(statuses).toEqual([403, 403]);
  });
});

describe('the export of an account', () => {
  it('has the account, its sessions, what it did and its projects, and nothing of others', async () => {
    const other = await app.register('Mallory');
    await app.createProject(other.token, { name: 'Not to be seen' });
    const reply = await app.request('GET', '/v1/auth/me/export', { token: owner.token });
    expect(reply.headers['content-disposition']).toBe('attachment; filename="account.ndjson"');
    const lines = linesOf(reply);
    const counts = countsOf(lines);
    expect(lines.at(-1)).toEqual({ type: 'end', counts });
    expect(counts).toMatchObject({ account: 1, session: 1, membership: 1, project: 1, lead: 451 });
    expect(lines[0]).toMatchObject({ type: 'account', id: owner.userId, email: owner.email, name: 'Ada' });
    const acts = lines.filter(({ type }) => type === 'act').map(({ action }) => action);
    expect(acts).toEqual(expect.arrayContaining(['user.register', 'project.create', 'account.export']));
    expectNoSecrets(lines);
    expect(JSON.stringify(lines)).not.toMatch(/Mallory|Not to be seen/);
    expect((await app.request('GET', '/v1/auth/me/export')).status).toBe(401);
  });

  it('has what it pays, has used and was charged, and its erasure leaves only lines without a person', async () => {
    const payer = await app.register('Grace Payer');
    await payAndUse(payer.userId);
    const lines = linesOf(await app.request('GET', '/v1/auth/me/export', { token: payer.token }));
    const first = (type: string) => lines.find((line) => line.type === type);
    expect(first('subscription')).toMatchObject({
      status: 'active',
      customPrice: '300.00',
      spendingCap: null,
    });
    expect(first('usage_period')).toMatchObject({ usedMessagesMini: 2, limitChatbots: 3 });
    expect(first('project_usage')).toMatchObject({ messagesMini: 2 });
    expect(first('credit_grant')).toMatchObject({ kind: 'messages_mini', quantity: 100 });
    expect(first('billing_event')).toMatchObject({
      eventType: 'message',
      quantity: 2,
      metadata: { messageId: 'm-1' },
    });
    expect(first('invoice')).toMatchObject({ number: 'A-1', amount: '49.00' });
    expectNoSecrets(lines);
    expect(JSON.stringify(lines)).not.toContain(owner.userId);
    expect((await app.request('DELETE', '/v1/auth/me', { token: payer.token })).status).toBe(204);
    const left = async (table: string) =>
      (
        await app.ctx.db.execute<{ row: string }>(
          sql`select to_jsonb(t)::text as row from ${sql.identifier(table)} t where user_id = ${payer.userId}`,
        )
      ).rows.map(({ row }) => row);
    for (const table of ['subscriptions', 'usage_periods', 'usage_tracking', 'credit_grants', 'invoices']) {
      expect([table, await left(table)]).toEqual([table, []]);
    }
    const ledger = await left('billing_events');
    expect(ledger).toHaveLength(1);
    expect(ledger.join()).not.toMatch(/Grace|@example\.com/);
  });
});

/** What an account leaves that pays and uses something, by SQL: how it comes about is tested where it is done. */
async function payAndUse(userId: string): Promise<void> {
  const of = sql`gen_random_uuid(), ${userId}`;
  const month = sql`'2031-03-01T00:00:00Z'::timestamptz`;
  const statements = [
    sql`insert into subscriptions (user_id, custom_price, stripe_customer_id) values (${userId}, 300, 'cus_1')`,
    sql`insert into usage_periods (id, user_id, period_start, period_end, plan_id, limit_chatbots, used_messages_mini)
      select ${of}, ${month}, ${month} + interval '1 month', id, 3, 2 from plans where name = 'free'`,
    sql`insert into usage_tracking (id, user_id, project_id, period_start, messages_mini)
      values (${of}, gen_random_uuid(), ${month}, 2)`,
    sql`insert into credit_grants (id, user_id, kind, quantity, idempotency_key)
      values (${of}, 'messages_mini', 100, 'grant-1')`,
    sql`insert into billing_events (id, user_id, type, reason, quantity, idempotency_key, metadata)
      values (${of}, 'message', 'plan_allowance', 2, 'message:m-1', '{"messageId": "m-1"}')`,
    sql`insert into invoices (id, user_id, stripe_invoice_id, number, status, amount, currency, stripe_event_at)
      values (${of}, 'in_1', 'A-1', 'paid', 49, 'USD', now())`,
  ];
  for (const statement of statements) await app.ctx.db.execute(statement);
}
