import { and, eq, isNull, ne, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditLogs } from '#db/schema/audit-logs.js';
import { users } from '#db/schema/users.js';
import { listApiRoutes, pathOf, sampleOf } from '#test/api-routes.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

type Account = Awaited<ReturnType<TestApp['register']>>;

const PASSWORD = 'correct horse battery';
const NOBODYS_ID = '01900000-0000-7000-8000-000000000000';

let app: TestApp;
let root: Account;

beforeAll(async () => {
  app = await createTestApp();
  root = await newAdmin();
});
afterAll(() => app.close());

async function newAdmin(): Promise<Account> {
  const account = await app.register();
  await app.ctx.db.update(users).set({ role: 'admin' }).where(eq(users.id, account.userId));
  return account;
}

const asRoot = (method: string, path: string, body?: unknown) =>
  app.request(method, `/v1/admin/users${path}`, { token: root.token, body });
const patch = (userId: string, body: object) => asRoot('PATCH', `/${userId}`, body);
const emailsOf = async (query: string) => {
  const { status, body } = await asRoot('GET', query);
  expect(status).toBe(200);
  return body.data.map(({ email }: { email: string }) => email);
};
const isLetIn = async ({ token }: Pick<Account, 'token'>) =>
  (await app.request('GET', '/v1/auth/me', { token })).status === 200;

async function auditOf(userId: string) {
  const rows = await app.ctx.db
    .select()
    .from(auditLogs)
    .where(eq(auditLogs.resourceId, userId))
    .orderBy(auditLogs.id);
  return rows
    .filter(({ action }) => action.startsWith('admin.'))
    .map(({ action, actorId, changes }) => ({ action, actorId, changes }));
}

describe('the routes of admins', () => {
  it('are for those who are admins at this moment', async () => {
    const routes = (await listApiRoutes(app.server)).filter(({ path }) => path.startsWith('/v1/admin/'));
    expect(routes.map(({ access }) => access)).toEqual(routes.map(() => 'admin'));
    expect(routes.length).toBeGreaterThanOrEqual(9);

    const [user, demoted, suspended] = [await app.register(), await newAdmin(), await newAdmin()];
    expect((await app.request('GET', '/v1/admin/stats', { token: demoted.token })).status).toBe(200);
    await patch(demoted.userId, { role: 'user' });
    await patch(suspended.userId, { suspended: true });
    const key = { name: 'Of an admin', scopes: ['admin'] };
    const made = await app.request('POST', '/v1/api-keys', { token: root.token, body: key });
    const ids = { userId: root.userId, jobId: NOBODYS_ID, plan: 'pro', code: 'mini-1000' };
    const callers: [string | undefined, number, string][] = [
      [user.token, 403, 'forbidden'],
      [demoted.token, 403, 'forbidden'],
      [made.body.key, 403, 'forbidden'],
      [suspended.token, 401, 'unauthenticated'],
      [undefined, 401, 'unauthenticated'],
      [root.refreshToken, 401, 'unauthenticated'],
    ];
    for (const route of routes) {
      const [schema] = route.bodies;
      const body = schema === undefined ? undefined : sampleOf(schema, '', true);
      for (const [token, status, code] of callers) {
        const reply = await app.request(route.method, pathOf(route, ids), { token, body });
        expect([route.name, reply.status, reply.body.code]).toEqual([route.name, status, code]);
      }
    }
    expect((await asRoot('GET', `/${root.userId}`)).body).toMatchObject({ role: 'admin', suspendedAt: null });
  });
});

describe('accounts', () => {
  it('are listed newest first, without secrets, and found by address, name, role and suspension', async () => {
    const ada = await app.register('Ada Lovelace_100%');
    const bob = await app.register('Bob');
    await app.createProject(ada.token);
    await app.createProject(ada.token);
    await patch(bob.userId, { suspended: true });
    const { body } = await asRoot('GET', '?limit=2');
    expect(body.data).toEqual([
      {
        id: bob.userId,
        email: bob.email,
        name: 'Bob',
        role: 'user',
        plan: 'free',
        customLimits: {},
        customPrice: null,
        emailVerifiedAt: null,
        suspendedAt: app.clock.now().toISOString(),
        projectCount: 0,
        createdAt: expect.any(String),
      },
      expect.objectContaining({ id: ada.userId, projectCount: 2, suspendedAt: null }),
    ]);
    expect((await emailsOf(`?limit=1&cursor=${body.nextCursor}`)).length).toBe(1);
    expect(await emailsOf(`?limit=1&cursor=${body.nextCursor}`)).not.toContain(ada.email);
    expect(await emailsOf('?q=LOVELACE_100%25')).toEqual([ada.email]);
    expect(await emailsOf('?q=lovelaceX100')).toEqual([]);
    expect(await emailsOf(`?q=${bob.email.toUpperCase()}`)).toEqual([bob.email]);
    expect(await emailsOf('?role=admin&suspended=false')).toEqual([root.email]);
    expect(await emailsOf('?suspended=true&q=Bob')).toEqual([bob.email]);
    expect(await emailsOf('?suspended=false&q=Bob')).toEqual([]);
    expect((await asRoot('GET', `/${ada.userId}`)).body).toEqual(body.data[1]);
    for (const id of ['x', NOBODYS_ID]) expect((await asRoot('GET', `/${id}`)).body.code).toBe('not_found');
  });

  it('change plan and role, each noted with what was before, and nothing where nothing changes', async () => {
    const { userId } = await app.register();
    expect((await patch(userId, { plan: 'pro', role: 'admin' })).body).toMatchObject({
      plan: 'pro',
      role: 'admin',
    });
    expect((await patch(userId, { plan: 'pro' })).status).toBe(200);
    expect((await patch(userId, { role: 'user' })).body).toMatchObject({ plan: 'pro', role: 'user' });
    const entry = { action: 'admin.user.update', actorId: root.userId };
    expect(await auditOf(userId)).toEqual([
      {
        ...entry,
        changes: { plan: { before: 'free', after: 'pro' }, role: { before: 'user', after: 'admin' } },
      },
      { ...entry, changes: { role: { before: 'admin', after: 'user' } } },
    ]);
  });

  it.each([
    {},
    { plan: 'gold' },
    { role: 'owner' },
    { suspended: 'yes' },
    { email: 'a@example.com' },
    { customLimits: { messagesMini: -1 } },
    { customLimits: { messages: 1 } },
    { customPrice: '1.005' },
    { customPrice: 10 },
  ])('refuse %j', async (body) => {
    expect((await patch(root.userId, body)).body.code).toBe('validation_failed');
  });

  it('change a plan at once, with what was agreed on', async () => {
    const { userId, token } = await app.register();
    const projectId = await app.createProject(token);
    const terms = { customLimits: { messagesMini: 7, chatbots: null }, customPrice: '499.00' };
    expect((await patch(userId, { plan: 'enterprise', ...terms })).body).toMatchObject({
      plan: 'enterprise',
      ...terms,
    });
    const limits = async () =>
      (
        await app.ctx.db.execute(sql`
          select limit_messages_mini as mini, limit_chatbots as chatbots, plan from usage_periods
          join projects on owner_id = user_id where projects.id = ${projectId}`)
      ).rows;
    expect(await limits()).toEqual([{ mini: 7, chatbots: null, plan: 'enterprise' }]);
    expect((await patch(userId, { customLimits: {} })).body).toMatchObject({
      customLimits: {},
      customPrice: '499.00',
    });
    expect(await limits()).toEqual([{ mini: null, chatbots: null, plan: 'enterprise' }]);
    expect((await patch(userId, { plan: 'free' })).body).toMatchObject({ plan: 'free', customPrice: null });
    expect(await limits()).toEqual([{ mini: 1_000, chatbots: 3, plan: 'free' }]);
  });

  it('are given credits once for each key, which the log says', async () => {
    const { userId } = await app.register();
    const body = { addOnId: '01900000-0000-7000-8000-000000000012', quantity: 2 };
    const give = (key: string, headers = { 'idempotency-key': key }) =>
      app.request('POST', `/v1/admin/users/${userId}/credits`, { token: root.token, body, headers });
    const replies = await Promise.all(Array.from({ length: 5 }, () => give('first')));
    const given = replies.filter(({ status }) => status === 201);
    expect(given.length).toBeGreaterThan(0);
    expect(new Set(given.map((reply) => reply.body.id)).size).toBe(1);
    expect(given[0]?.body).toMatchObject({ userId, kind: 'messages_premium', quantity: 200 });
    // A day later the answer is forgotten, and the gift is not.
    await app.ctx.db.execute(sql`delete from idempotency_keys`);
    expect((await give('first')).body.id).toBe(given[0]?.body.id);
    expect((await give('second')).body.id).not.toBe(given[0]?.body.id);
    const { rows } = await app.ctx.db.execute(sql`
      select reason, sum(quantity)::int as quantity from billing_events
      where user_id = ${userId} and type = 'credits_granted' group by reason`);
    expect(rows).toEqual([{ reason: 'gift', quantity: 400 }]);
    const audit = await app.ctx.db.select().from(auditLogs).where(eq(auditLogs.action, 'credits.grant'));
    expect(audit.map(({ actorId, changes }) => [actorId, changes['userId']])).toEqual([
      [root.userId, userId],
      [root.userId, userId],
    ]);
    for (const [id, addOnId] of [
      [NOBODYS_ID, body.addOnId],
      [userId, NOBODYS_ID],
    ]) {
      const nothing = await asRoot('POST', `/${id}/credits`, { addOnId, quantity: 1 });
      expect(nothing.body.code).toBe('not_found');
    }
  });

  it('that are suspended lose every session at once, and stay suspended since the same time', async () => {
    const account = await app.register();
    const login = await app.request('POST', '/v1/auth/login', {
      body: { email: account.email, password: PASSWORD },
    });
    const second = { token: login.body.accessToken as string };
    expect(await isLetIn(second)).toBe(true);
    const { suspendedAt } = (await patch(account.userId, { suspended: true })).body;
    expect(suspendedAt).toBe(app.clock.now().toISOString());
    expect([await isLetIn(account), await isLetIn(second)]).toEqual([false, false]);
    for (const refreshToken of [account.refreshToken, login.body.refreshToken]) {
      expect((await app.request('POST', '/v1/auth/refresh', { body: { refreshToken } })).status).toBe(401);
    }
    app.clock.advance(1_000);
    expect((await patch(account.userId, { suspended: true })).body.suspendedAt).toBe(suspendedAt);
    expect((await patch(account.userId, { suspended: false })).body.suspendedAt).toBe(null);
    expect(await isLetIn(account)).toBe(false);
    expect(await auditOf(account.userId)).toMatchObject([
      { changes: { suspended: { before: false, after: true }, endedSessions: 2 } },
      { changes: { suspended: { before: true, after: false } } },
    ]);
  });

  it('are signed out everywhere, and may sign in again', async () => {
    const account = await app.register();
    expect((await asRoot('DELETE', `/${account.userId}/sessions`)).status).toBe(204);
    expect(await isLetIn(account)).toBe(false);
    const login = await app.request('POST', '/v1/auth/login', {
      body: { email: account.email, password: PASSWORD },
    });
    expect(await isLetIn({ token: login.body.accessToken })).toBe(true);
    expect((await asRoot('DELETE', `/${NOBODYS_ID}/sessions`)).body.code).toBe('not_found');
    expect(await auditOf(account.userId)).toEqual([
      { action: 'admin.user.end_sessions', actorId: root.userId, changes: { endedSessions: 1 } },
    ]);
  });
});

describe('the last admin', () => {
  const activeAdmins = async () =>
    (
      await app.ctx.db
        .select({ id: users.id })
        .from(users)
        .where(and(eq(users.role, 'admin'), isNull(users.suspendedAt)))
    ).map(({ id }) => id);

  it('cannot demote or suspend itself, and may do so when there is another', async () => {
    expect(await activeAdmins()).toEqual([root.userId]);
    for (const body of [{ role: 'user' }, { suspended: true }, { plan: 'pro', role: 'user' }]) {
      expect((await patch(root.userId, body)).body.code).toBe('conflict');
    }
    expect((await patch(root.userId, { plan: 'pro', role: 'admin' })).status).toBe(200);
    const other = await newAdmin();
    const self = await app.request('PATCH', `/v1/admin/users/${other.userId}`, {
      token: other.token,
      body: { role: 'user' },
    });
    expect(self.body.role).toBe('user');
  });

  it('cannot delete its account, and may do so when there is another', async () => {
    const deleteAccount = ({ token }: Account) => app.request('DELETE', '/v1/auth/me', { token });
    expect((await deleteAccount(root)).body.code).toBe('conflict');
    expect(await activeAdmins()).toEqual([root.userId]);
    const [one, other] = [await newAdmin(), await newAdmin()];
    await app.ctx.db.update(users).set({ role: 'user' }).where(eq(users.id, root.userId));
    const statuses = (await Promise.all([one, other].map(deleteAccount))).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([204, 409]);
    expect(await activeAdmins()).toHaveLength(1);
    await app.ctx.db.update(users).set({ role: 'admin' }).where(eq(users.id, root.userId));
    await app.ctx.db.update(users).set({ role: 'user' }).where(ne(users.id, root.userId));
  });

  it('is left of two who demote and suspend each other twenty times at once', async () => {
    for (const body of [{ role: 'user' }, { suspended: true }]) {
      const other = await newAdmin();
      const pairs: [Account, Account][] = [
        [root, other],
        [other, root],
      ];
      const statuses = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const [by, of] = pairs[index % 2] ?? [root, other];
          const { token } = by;
          return (await app.request('PATCH', `/v1/admin/users/${of.userId}`, { token, body })).status;
        }),
      );
      const left = await activeAdmins();
      expect(left).toHaveLength(1);
      expect(statuses.every((status) => [200, 401, 403].includes(status))).toBe(true);
      expect(statuses).toContain(403);
      root = left[0] === root.userId ? root : other;
    }
  });
});
