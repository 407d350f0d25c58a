import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { eventually } from '#test/eventually.js';

let app: TestApp;
let token: string;
let userId: string;
let projectId: string;
beforeAll(async () => {
  app = await createTestApp();
  ({ token, userId } = await app.register('Ada', 'pro'));
  projectId = await app.createProject(token);
});
afterAll(() => app.close());

const HOUR_MS = 3_600_000;
const NOBODYS_ID = '01900000-0000-7000-8000-000000000000';

/** A new key of the first account. */
async function createKey(body: object = {}, by = token) {
  const reply = await app.request('POST', '/v1/api-keys', { token: by, body: { name: 'Key', ...body } });
  expect(reply.status).toBe(201);
  return reply.body as { id: string; key: string; expiresAt: string | null };
}

const revoke = (keyId: string) => app.request('DELETE', `/v1/api-keys/${keyId}`, { token });
const statusOf = async (key: string, path = '/v1/projects') =>
  (await app.request('GET', path, { token: key })).status;

describe('making a key', () => {
  it('shows it once, and keeps a hash alone', async () => {
    const reply = await app.request('POST', '/v1/api-keys', { token, body: { name: ' Deploy ' } });
    expect(reply.status).toBe(201);
    const { key, ...shown } = reply.body;
    expect(shown).toEqual({
      id: expect.any(String),
      name: 'Deploy',
      prefix: key.slice(0, 12),
      projectId: null,
      scopes: ['chat', 'read'],
      expiresAt: null,
      lastUsedAt: null,
      createdAt: app.clock.now().toISOString(),
    });
    const list = await app.request('GET', '/v1/api-keys?limit=1', { token });
    expect(list.body.data).toEqual([shown]);
    const { rows } = await app.ctx.db.execute(
      sql`select to_jsonb(t)::text as row from api_keys t where id = ${shown.id}`,
    );
    expect(String(rows[0]?.['row'])).toContain(shown.prefix);
    expect(String(rows[0]?.['row'])).not.toContain(key.slice(6));
    expect(JSON.stringify(list.body)).not.toMatch(/hash/i);
  });

  it('gives the same key again to the same Idempotency-Key, and makes one', async () => {
    const body = { name: 'Once' };
    const make = () =>
      app.request('POST', '/v1/api-keys', { token, body, headers: { 'idempotency-key': 'once' } });
    const first = await make();
    const second = await make();
    expect(second.body).toEqual(first.body);
    expect(second.headers['idempotency-replayed']).toBe('true');
    const { rows } = await app.ctx.db.execute(
      sql`select response from idempotency_keys where scope like '%/v1/api-keys%'`,
    );
    expect(Buffer.from(rows[0]?.['response'] as Uint8Array).includes(first.body.key)).toBe(false);
  });

  it.each([
    ['no name', { name: ' ' }, 'name'],
    ['a scope that there is not', { scopes: ['root'] }, 'scopes.0'],
    ['no scope', { scopes: [] }, 'scopes'],
    ['an end in the past', { expiresAt: '2020-01-01T00:00:00.000Z' }, 'expiresAt'],
    ['no time as its end', { expiresAt: 'tomorrow' }, 'expiresAt'],
  ])('is refused with %s', async (_what, change, path) => {
    const reply = await app.request('POST', '/v1/api-keys', { token, body: { name: 'Key', ...change } });
    expect([reply.status, reply.body.errors?.[0]?.path]).toEqual([400, path]);
  });

  it('refuses what is not to be set', async () => {
    for (const field of ['key', 'keyHash', 'prefix', 'userId', 'lastUsedAt', 'revokedAt', 'createdAt']) {
      const reply = await app.request('POST', '/v1/api-keys', { token, body: { name: 'Key', [field]: 'x' } });
      expect([field, reply.status]).toEqual([field, 400]);
    }
  });

  it('is for own projects alone: malformed, unknown and foreign ids are one 404', async () => {
    const other = await app.register();
    const foreign = await app.createProject(other.token);
    const replies = await Promise.all(
      [foreign, NOBODYS_ID, 'x'].map((id) =>
        app.request('POST', '/v1/api-keys', { token, body: { name: 'Key', projectId: id } }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(new Set(replies.map(({ body }) => JSON.stringify({ ...body, requestId: '' }))).size).toBe(1);
  });

  it('ends at a hundred keys of one user, however many come at once', async () => {
    const { token: own, userId: ownId } = await app.register();
    await app.ctx.db.execute(sql`
      insert into api_keys (id, user_id, name, prefix, key_hash, scopes, expires_at, revoked_at)
      select gen_random_uuid(), ${ownId}, 'Key', 'bb_sk_', md5(${ownId} || n::text), array['chat']::api_key_scope[],
        case when n = 99 then now() - interval '1 day' end, case when n = 100 then now() - interval '1 day' end
      from generate_series(1, 100) n`);
    const replies = await Promise.all(
      Array.from({ length: 5 }, () =>
        app.request('POST', '/v1/api-keys', { token: own, body: { name: 'Key' } }),
      ),
    );
    const statuses = replies.map(({ status }) => status).toSorted((x, y) => x - y);
    expect(statuses).toEqual([201, 201, 409, 409, 409]);
  });
});

describe('the list', () => {
  it('comes in pages, newest first, and holds no key of others', async () => {
    const { token: own } = await app.register();
    const made: string[] = [];
    for (const name of ['a', 'b', 'c']) made.unshift((await createKey({ name }, own)).id);
    const first = await app.request('GET', '/v1/api-keys?limit=2', { token: own });
    const rest = await app.request('GET', `/v1/api-keys?cursor=${first.body.nextCursor}`, { token: own });
    const ids = [...first.body.data, ...rest.body.data].map(({ id }: { id: string }) => id);
    expect(ids).toEqual(made);
    expect(rest.body.nextCursor).toBeNull();
  });
});

describe('a key', () => {
  it('of one project sees that one alone, also beside its own user’s others', async () => {
    const other = await app.createProject(token, { name: 'Other', isPublic: true });
    const { key } = await createKey({ projectId, scopes: ['admin'] });
    const list = await app.request('GET', '/v1/projects', { token: key });
    expect(list.body.data.map(({ id }: { id: string }) => id)).toEqual([projectId]);
    expect(await statusOf(key, `/v1/projects/${projectId}`)).toBe(200);
    expect(await statusOf(key, `/v1/projects/${projectId.toUpperCase()}`)).toBe(200);
    expect(await statusOf(key, `/v1/projects/${other}`)).toBe(404);
    const chat = `/v1/projects/${other}/chat`;
    expect((await app.request('POST', chat, { token: key, body: { message: 'Hello?' } })).status).toBe(404);
    const create = await app.request('POST', '/v1/projects', { token: key, body: { name: 'New' } });
    expect([create.status, create.body.code]).toEqual([403, 'forbidden']);
  });

  it.each([
    ['chat', 403, 403],
    ['read', 200, 403],
    ['write', 200, 201],
    ['admin', 200, 201],
  ])(
    'of the account with the scope %s lists projects: %i, and makes one: %i',
    async (scope, lists, makes) => {
      const { key } = await createKey({ scopes: [scope] });
      expect(await statusOf(key)).toBe(lists);
      const made = await app.request('POST', '/v1/projects', { token: key, body: { name: 'By key' } });
      expect(made.status).toBe(makes);
    },
  );

  it('never may more than its user’s present role', async () => {
    const member = await app.register();
    const setRole = (role: string) =>
      app.ctx.db.execute(sql`
        insert into project_members (project_id, user_id, role) values (${projectId}, ${member.userId}, ${role}::member_role)
        on conflict (project_id, user_id) do update set role = excluded.role`);
    await setRole('editor');
    const { key } = await createKey({ scopes: ['admin'], projectId }, member.token);
    const path = `/v1/projects/${projectId}`;
    const patch = () => app.request('PATCH', path, { token: key, body: { name: 'Renamed' } });
    expect((await patch()).status).toBe(200);
    expect((await app.request('DELETE', path, { token: key })).status).toBe(403);
    await setRole('viewer');
    expect((await patch()).body.detail).toContain('role in this project is viewer');
    expect(await statusOf(key, path)).toBe(200);
    await app.ctx.db.execute(sql`delete from project_members where user_id = ${member.userId}`);
    expect(await statusOf(key, path)).toBe(404);
    expect((await app.request('GET', '/v1/projects', { token: key })).body.data).toEqual([]);
  });

  it('stands in the audit log beside its user', async () => {
    const { id, key } = await createKey({ scopes: ['write'] });
    const { body } = await app.request('POST', '/v1/projects', { token: key, body: { name: 'Audited' } });
    const { rows } = await app.ctx.db.execute(
      sql`select actor_id, actor_type, api_key_id from audit_logs where resource_id = ${body.id}`,
    );
    expect(rows).toEqual([{ actor_id: userId, actor_type: 'user', api_key_id: id }]);
  });

  it('has its last use noted once a minute', async () => {
    const { id, key } = await createKey();
    const used = async () => {
      const { rows } = await app.ctx.db.execute(
        sql`select extract(epoch from last_used_at) * 1000 as at from api_keys where id = ${id}`,
      );
      return Math.round(Number(rows[0]?.['at']));
    };
    const start = app.clock.now().getTime();
    await statusOf(key);
    await eventually('the first use', async () => ((await used()) === start ? true : null));
    app.clock.advance(59_000);
    await statusOf(key);
    app.clock.advance(2_000);
    await statusOf(key);
    await eventually('the third use', async () => ((await used()) === start + 61_000 ? true : null));
  });

  it('works where its last use cannot be noted', async () => {
    const { key } = await createKey();
    await app.ctx.db.execute(sql`
      create function refuse_note() returns trigger language plpgsql as $$ begin raise 'no'; end $$`);
    await app.ctx.db.execute(
      sql`create trigger refuse_note before update on api_keys for each row execute function refuse_note()`,
    );
    expect(await statusOf(key)).toBe(200);
    await eventually(
      'a line about it',
      () => app.logLines.find((line) => line.includes('could not be noted')) ?? null,
    );
    await app.ctx.db.execute(sql`drop trigger refuse_note on api_keys`);
  });

  it('is dead once it has expired, in the same words as an unknown one', async () => {
    const end = new Date(app.clock.now().getTime() + HOUR_MS).toISOString();
    const { key, expiresAt } = await createKey({ expiresAt: end });
    expect(expiresAt).toBe(end);
    expect(await statusOf(key)).toBe(200);
    app.clock.advance(HOUR_MS);
    const revoked = await createKey();
    await revoke(revoked.id);
    const replies = await Promise.all(
      [key, revoked.key, `bb_sk_${'A'.repeat(43)}`, 'bb_sk_short', 'bb_sk_'].map((dead) =>
        app.request('GET', '/v1/projects', { token: dead }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    expect(new Set(replies.map(({ body }) => JSON.stringify({ ...body, requestId: '' }))).size).toBe(1);
  });

  it('counts Idempotency-Keys by itself', async () => {
    const one = await createKey({ scopes: ['write'] });
    const two = await createKey({ scopes: ['write'] });
    const make = (key: string) =>
      app.request('POST', '/v1/projects', {
        token: key,
        headers: { 'idempotency-key': '1' },
        body: { name: 'Same' },
      });
    const [first, second] = [await make(one.key), await make(two.key)];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body.id).not.toBe(first.body.id);
    expect((await make(one.key)).body).toEqual(first.body);
  });
});

describe('what is about the account itself', () => {
  it('is closed to every key', async () => {
    const { id, key } = await createKey({ scopes: ['admin'] });
    const requests: [string, string, object?][] = [
      ['GET', '/v1/auth/me'],
      ['GET', '/v1/api-keys'],
      ['POST', '/v1/api-keys', { name: 'More' }],
      ['POST', `/v1/api-keys/${id}/rotate`, {}],
      ['DELETE', `/v1/api-keys/${id}`],
    ];
    for (const [method, path, body] of requests) {
      const reply = await app.request(method, path, { token: key, body });
      expect([method, path, reply.status, reply.body.code]).toEqual([method, path, 403, 'forbidden']);
    }
  });

  it('leaves no key in a log line', () => {
    expect(app.logLines.length).toBeGreaterThan(80);
    expect(app.logLines.join('\n')).not.toMatch(/bb_sk_[A-Za-z0-9_-]{10}/);
  });
});
