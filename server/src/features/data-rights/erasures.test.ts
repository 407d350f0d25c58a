import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

const EMAIL = 'canary17@example.com';
const PHONE = '+49 30 5557777';
const CANARY = /canary17|5557777|Zanzibar|canary-visitor/i;

let app: TestApp;
let token: string;
let base: string;

beforeAll(async () => {
  app = await createTestApp();
  ({ token } = await app.register());
  const projectId = await app.createProject(token, { isPublic: true });
  base = `/v1/projects/${projectId}`;
  const text = 'The office opens at nine in the morning.';
  await app.addSource(token, projectId, { type: 'text', name: 'Hours', text });
});
afterAll(() => app.close());

const ask = async (visitor: object, message = 'When does the office open, asks Zanzibar?', headers = {}) =>
  (await app.request('POST', `${base}/chat`, { body: { message, visitor }, headers })).body;
const erase = (body: unknown, as = token) => app.request('POST', `${base}/erasures`, { token: as, body });

/** Every row of every table. */
async function dump(): Promise<string> {
  const { rows } = await app.ctx.db.execute(
    sql`select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  const texts: string[] = [];
  for (const { name } of rows) {
    const all = await app.ctx.db.execute(
      sql`select to_jsonb(t)::text as row from ${sql.identifier(String(name))} t`,
    );
    texts.push(...all.rows.map(({ row }) => `${String(name)} ${String(row)}`));
  }
  return texts.join('\n');
}

async function countKept(): Promise<number> {
  const { rows } = await app.ctx.db.execute(sql`select count(*)::int as count from idempotency_keys`);
  return Number(rows[0]?.['count']);
}

describe('an erasure', () => {
  it('leaves nothing of a visitor anywhere, and all of the others', async () => {
    const key = { 'idempotency-key': 'canary-key' };
    const first = await ask(
      { email: 'Canary17@Example.com', name: 'Zanzibar', metadata: { n: 'Zanzibar' } },
      undefined,
      key,
    );
    const { conversationId, conversationToken } = first;
    const followUp = { message: 'And Zanzibar?', conversationId, conversationToken };
    await app.request('POST', `${base}/chat`, { body: followUp });
    await app.request('POST', `${base}/messages/${first.message.id}/feedback`, {
      body: { rating: 'down', comment: 'Zanzibar is closed.', conversationToken },
    });
    const second = await ask({ phone: '0049 (0)30 / 555-7777' });
    const anonymous = await ask({});
    const contact = { email: EMAIL, name: 'Zanzibar', consent: { text: 'I, Zanzibar, agree.' } };
    await app.request('POST', `${base}/leads`, {
      body: {
        ...contact,
        conversationId: anonymous.conversationId,
        conversationToken: anonymous.conversationToken,
      },
      headers: { 'idempotency-key': 'canary-lead' },
    });
    await app.request('POST', `${base}/leads`, { body: { phone: PHONE } });
    const set = await app.request('POST', `${base}/test-sets`, { token, body: { name: 'Rated down' } });
    const cases = await app.request('POST', `${base}/test-sets/${set.body.id}/cases/from-feedback`, {
      token,
    });
    expect(cases.body.added).toBe(1);
    await app.request('POST', `${base}/test-sets/${set.body.id}/runs`, { token });
    await app.runJobs();
    const otherKey = { 'idempotency-key': 'other-key' };
    const other = await ask({ email: 'other@example.com' }, 'When does the office open?', otherKey);
    await app.request('POST', `${base}/leads`, { body: { email: 'other@example.com' } });
    expect(await dump()).toMatch(CANARY);
    const keptBefore = await countKept();

    const receipt = await erase({ email: ` ${EMAIL.toUpperCase()} `, phone: PHONE });
    expect(receipt.status).toBe(200);
    expect(receipt.body).toEqual({
      id: receipt.body.id,
      erasedAt: app.ctx.clock.now().toISOString(),
      counts: { conversations: 3, messages: 8, traces: 4, feedback: 1, leads: 2, files: 0 },
    });
    expect((await dump()).split('\n').filter((row) => CANARY.test(row))).toEqual([]);
    expect(keptBefore - (await countKept())).toBe(2);
    for (const id of [conversationId, second.conversationId, anonymous.conversationId]) {
      const reply = await app.request('GET', `${base}/conversations/${id}`, { token });
      expect(reply.body.code).toBe('not_found');
    }
    const own = { 'conversation-token': conversationToken };
    const path = `${base}/conversations/${conversationId}/messages`;
    expect((await app.request('GET', path, { headers: own })).status).toBe(404);
    const theirs = await app.request('GET', `${base}/conversations/${other.conversationId}/messages`, {
      token,
    });
    expect(theirs.body.data).toHaveLength(2);
    const leads = (await app.request('GET', `${base}/leads`, { token })).body.data;
    expect(leads.map(({ email }: { email: string }) => email)).toEqual(['other@example.com']);
    expect(
      (await ask({ email: 'other@example.com' }, 'When does the office open?', otherKey)).message.id,
    ).toBe(other.message.id);
    const { rows } = await app.ctx.db.execute(
      sql`select resource_id, changes from audit_logs where action = 'visitor.erase'`,
    );
    expect(rows).toEqual([
      {
        resource_id: receipt.body.id,
        changes: { by: { email: 'c***@***.com', phone: '***77' }, counts: receipt.body.counts },
      },
    ]);
    expect(app.logLines.filter((line) => CANARY.test(line))).toEqual([]);
  });

  it('goes by the visitor’s id alone too, and to the letter', async () => {
    await ask({ id: 'canary-visitor' });
    await ask({ id: 'canary-visitor-2' }, 'When does the office open?');
    const counts = async (body: object) => (await erase(body)).body.counts.conversations;
    expect(await counts({ visitorId: 'canary-visito_' })).toBe(0);
    expect(await counts({ visitorId: 'canary-visitor' })).toBe(1);
    expect(await counts({ visitorId: 'canary-visitor' })).toBe(0);
    expect(await counts({ visitorId: 'canary-visitor-2' })).toBe(1);
  });

  it('does not reach into another project', async () => {
    await ask({ email: EMAIL });
    const otherId = await app.createProject(token);
    const path = `/v1/projects/${otherId}/erasures`;
    const { body } = await app.request('POST', path, { token, body: { email: EMAIL } });
    expect(body.counts).toEqual({
      conversations: 0,
      messages: 0,
      traces: 0,
      feedback: 0,
      leads: 0,
      files: 0,
    });
    expect((await erase({ email: EMAIL })).body.counts.conversations).toBe(1);
  });

  it('needs something to know the visitor by, and an owner', async () => {
    for (const body of [{}, { email: 'x' }, { phone: 'x' }, { visitorId: '' }, { visitorId: null }]) {
      expect((await erase(body)).body.code).toBe('validation_failed');
    }
    const editor = await app.register();
    await app.ctx.db.execute(
      sql`insert into project_members (project_id, user_id, role) values (${base.slice('/v1/projects/'.length)}, ${editor.userId}, 'editor')`,
    );
    expect((await erase({ email: EMAIL }, editor.token)).status).toBe(403);
    const stranger = await app.register();
    expect((await erase({ email: EMAIL }, stranger.token)).status).toBe(404);
  });
});
