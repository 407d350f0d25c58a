import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { deleteExpiredTokens } from '#features/auth/delete-expired-tokens.js';

let app: TestApp;
let token: string;
let userId: string;
let projectId: string;
beforeAll(async () => {
  app = await createTestApp();
  ({ token, userId } = await app.register());
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

const rotate = (keyId: string, body?: object) =>
  app.request('POST', `/v1/api-keys/${keyId}/rotate`, { token, body });
const revoke = (keyId: string) => app.request('DELETE', `/v1/api-keys/${keyId}`, { token });
const statusOf = async (key: string, path = '/v1/projects') =>
  (await app.request('GET', path, { token: key })).status;

describe('revoking', () => {
  it('ends a key at once, and it is gone from the list', async () => {
    const { id, key } = await createKey();
    expect(await statusOf(key)).toBe(200);
    expect((await revoke(id)).status).toBe(204);
    expect(await statusOf(key)).toBe(401);
    const { body } = await app.request('GET', '/v1/api-keys?limit=100', { token });
    expect(body.data.map((row: { id: string }) => row.id)).not.toContain(id);
    expect((await revoke(id)).status).toBe(404);
    expect((await rotate(id)).status).toBe(404);
  });

  it('leaves a row for thirty days, as an expired key does', async () => {
    const { token: own } = await app.register();
    const end = new Date(app.clock.now().getTime() + 1).toISOString();
    const ids = [
      await createKey({}, own),
      await createKey({ expiresAt: end }, own),
      await createKey({}, own),
    ];
    await app.request('DELETE', `/v1/api-keys/${ids[0]?.id}`, { token: own });
    const left = async (days: number) => {
      const now = new Date(app.clock.now().getTime() + days * 24 * HOUR_MS);
      await deleteExpiredTokens({ ...app.ctx, clock: { now: () => now } });
      const all = sql.join(
        ids.map(({ id }) => sql`${id}`),
        sql`, `,
      );
      const { rows } = await app.ctx.db.execute(sql`select id from api_keys where id in (${all})`);
      return rows.length;
    };
    expect(await left(29)).toBe(3);
    expect(await left(31)).toBe(1);
  });

  it('and rotating are for own keys alone', async () => {
    const { token: other } = await app.register();
    const { id, key } = await createKey({}, other);
    for (const keyId of [id, NOBODYS_ID, 'x']) {
      expect([(await revoke(keyId)).status, (await rotate(keyId)).status]).toEqual([404, 404]);
    }
    expect(await statusOf(key)).toBe(200);
  });

  it('stands in the audit log, as making and rotating do', async () => {
    const { id } = await createKey({ name: 'Audited', projectId });
    const successor = await rotate(id);
    await revoke(successor.body.id);
    const { rows } = await app.ctx.db.execute(sql`
      select action, project_id, actor_id, api_key_id from audit_logs
      where resource_id in (${id}, ${successor.body.id}) order by id`);
    const by = { project_id: projectId, actor_id: userId, api_key_id: null };
    expect(rows).toEqual(
      ['api_key.create', 'api_key.rotate', 'api_key.revoke'].map((action) => ({ action, ...by })),
    );
  });
});

describe('rotating', () => {
  it('gives a key of the same kind; the old one works for another hour', async () => {
    const end = new Date(app.clock.now().getTime() + 6 * HOUR_MS).toISOString();
    const old = await createKey({ name: 'Old', projectId, scopes: ['read'], expiresAt: end });
    app.clock.advance(4 * HOUR_MS);
    const now = app.clock.now().getTime();
    const reply = await rotate(old.id);
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({
      name: 'Old',
      projectId,
      scopes: ['read'],
      expiresAt: new Date(now + 6 * HOUR_MS).toISOString(),
    });
    expect(reply.body.key).not.toBe(old.key);
    const path = `/v1/projects/${projectId}`;
    expect([await statusOf(old.key, path), await statusOf(reply.body.key, path)]).toEqual([200, 200]);
    const { body } = await app.request('GET', '/v1/api-keys?limit=2', { token });
    expect(body.data[1]).toMatchObject({ id: old.id, expiresAt: new Date(now + HOUR_MS).toISOString() });
    app.clock.advance(HOUR_MS);
    expect([await statusOf(old.key, path), await statusOf(reply.body.key, path)]).toEqual([401, 200]);
  });

  it('with no overlap ends the old key at once', async () => {
    const { id, key } = await createKey();
    const { body } = await rotate(id, { overlapSeconds: 0 });
    expect([await statusOf(key), await statusOf(body.key)]).toEqual([401, 200]);
  });

  it('fifty times at once gives one successor', async () => {
    const { id, key } = await createKey({ name: 'Raced' });
    const replies = await Promise.all(Array.from({ length: 50 }, () => rotate(id)));
    const statuses = replies.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([201, ...Array<number>(49).fill(409)]);
    const { body } = await app.request('GET', '/v1/api-keys?limit=100', { token });
    expect(body.data.filter(({ name }: { name: string }) => name === 'Raced')).toHaveLength(2);
    expect(await statusOf(key)).toBe(200);
  });

  it('is refused beyond a week, and for a key that has expired', async () => {
    const end = new Date(app.clock.now().getTime() + HOUR_MS).toISOString();
    const { id } = await createKey({ expiresAt: end });
    for (const overlapSeconds of [-1, 604_801, 1.5, '60', null]) {
      expect((await rotate(id, { overlapSeconds })).status).toBe(400);
    }
    app.clock.advance(HOUR_MS);
    expect((await rotate(id)).body.code).toBe('conflict');
    expect((await revoke(id)).status).toBe(204);
  });
});
