import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiRoute, listApiRoutes } from './api-routes.js';
import { isId } from '#kernel/ids.js';
import { NOBODYS_ID } from './bad-values.js';
import { type TestApp, createTestApp } from './create-test-app.js';
import { faultOf } from './refusals.js';
import {
  type Attack,
  type Tenant,
  attack,
  bearer,
  createTenant,
  hasChild,
  mixed,
  rowsOf,
  upper,
} from './tenants.js';

let app: TestApp;
let routes: ApiRoute[];
let alice: Tenant;
let bob: Tenant;
const secrets: string[] = [];

beforeAll(async () => {
  app = await createTestApp();
  routes = (await listApiRoutes(app.server)).filter(({ pathParameters }) => pathParameters.length > 0);
  alice = await createTenant(app);
  bob = await createTenant(app);
  for (const tenant of [alice, bob])
    secrets.push(tenant.token, tenant.refreshToken, tenant.conversationToken);
});
afterAll(() => app.close());

/** Runs attacks and collects what is wrong: another status, a canary in the answer, a changed row of Alice's. */
async function faultsOf(attacks: [string, number, Attack][]): Promise<string[]> {
  const before = await rowsOf(app, alice);
  const faults: string[] = [];
  for (const [what, status, request] of attacks) {
    const reply = await attack(app, request);
    const name = `${request.route.name}, ${what}`;
    if (reply.status !== status)
      faults.push(`${name}: ${reply.status}, not ${status}: ${reply.text.slice(0, 100)}`);
    if (status >= 400 && faultOf(reply) !== null) faults.push(`${name}: ${faultOf(reply) ?? ''}`);
    if (status >= 400 && reply.text.includes(alice.canary)) faults.push(`${name}: tells what is Alice's`);
  }
  if ((await rowsOf(app, alice)) !== before) faults.push("Alice's rows have changed");
  return faults;
}

/** What is another's does not exist; what is an admin's is refused, whatever the id. */
const refusalOf = ({ access }: ApiRoute) => (access === 'admin' ? 403 : 404);

describe('what is somebody else’s', () => {
  it('is dumped whole, so that a change would be seen', async () => {
    const rows = await rowsOf(app, alice);
    expect(rows.split(alice.canary).length).toBeGreaterThan(30);
    expect(rows).not.toContain(bob.canary);
  });

  it('cannot be told from what does not exist, on any route', async () => {
    const nobody = Object.fromEntries(Object.keys(alice.ids).map((name) => [name, NOBODYS_ID]));
    const headers = bearer(bob.token);
    const attacks = routes.flatMap((route): [string, number, Attack][] => [
      ['all of it', refusalOf(route), { route, headers, ids: alice.ids }],
      ['of nobody', refusalOf(route), { route, headers, ids: nobody }],
      ...(hasChild(route)
        ? ([
            ['under the own project', 404, { route, headers, ids: mixed(bob, alice) }],
            ['own things under the other project', 404, { route, headers, ids: mixed(alice, bob) }],
            [
              'of nobody under the own project',
              404,
              { route, headers, ids: { ...nobody, projectId: bob.ids['projectId'] ?? '' } },
            ],
            ['other letters', 404, { route, headers, ids: upper(mixed(bob, alice)) }],
            [
              'with its conversation token',
              404,
              {
                route,
                headers: { ...headers, 'conversation-token': alice.conversationToken },
                ids: mixed(bob, alice),
              },
            ],
          ] satisfies [string, number, Attack][])
        : []),
    ]);
    expect(attacks.length).toBeGreaterThan(90);
    expect(await faultsOf(attacks)).toEqual([]);
    const replies = await Promise.all(
      routes.map(async (route) => [
        await attack(app, { route, headers, ids: alice.ids }),
        await attack(app, { route, headers, ids: nobody }),
      ]),
    );
    for (const [theirs, nobodys] of replies) {
      const withoutId = (text = '') => text.replace(/"requestId":"[^"]+"/, '');
      expect(withoutId(theirs?.text)).toBe(withoutId(nobodys?.text));
    }
  });

  it('needs a living token', async () => {
    const body = { email: alice.email, password: 'correct horse battery' };
    const session = await app.request('POST', '/v1/auth/login', { body });
    const { accessToken, refreshToken } = session.body;
    secrets.push(accessToken, refreshToken);
    expect((await app.request('POST', '/v1/auth/logout', { body: { refreshToken } })).status).toBe(204);
    const attacks = routes.flatMap((route): [string, number, Attack][] => [
      ['without a token', route.access === 'visitor' ? 404 : 401, { route, ids: alice.ids }],
      ['with the token of an ended session', 401, { route, ids: alice.ids, headers: bearer(accessToken) }],
      ['with a refresh token', 401, { route, ids: alice.ids, headers: bearer(alice.refreshToken) }],
      ['with a conversation token', 401, { route, ids: alice.ids, headers: bearer(alice.conversationToken) }],
    ]);
    expect(await faultsOf(attacks)).toEqual([]);
  });

  it('is not reached by ids in bodies and queries', async () => {
    const before = await rowsOf(app, alice);
    const base = `/v1/projects/${bob.ids['projectId'] ?? ''}`;
    const { token } = bob;
    const {
      conversationToken,
      ids: { conversationId, sourceId },
    } = alice;
    const cursors = [...Object.values(alice.ids), alice.chunkId]
      .filter(isId)
      .map((id) => Buffer.from(id).toString('base64url'));
    const lists = [
      'sources',
      'documents',
      'conversations',
      'members',
      'invitations',
      `documents/${bob.ids['documentId'] ?? ''}/chunks`,
      `conversations/${bob.ids['conversationId'] ?? ''}/messages`,
    ];
    const replies = await Promise.all([
      app.request('POST', `${base}/search`, {
        token,
        body: { query: 'secret code of the vault in Zanzibar' },
      }),
      app.request('POST', `${base}/search`, { token, body: { query: alice.canary.slice(0, 12) } }),
      app.request('POST', `${base}/chat`, {
        token,
        body: { message: 'What is the secret code of the vault in Zanzibar?' },
      }),
      app.request('GET', `${base}/conversations?q=Zanzibar`, { token }),
      app.request('GET', '/v1/projects', { token }),
      app.request('GET', '/v1/auth/me', { token }),
      ...cursors.flatMap((cursor) => [
        app.request('GET', `/v1/projects?cursor=${cursor}`, { token }),
        ...lists.map((list) => app.request('GET', `${base}/${list}?cursor=${cursor}`, { token })),
      ]),
    ]);
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    for (const { body } of replies) expect(JSON.stringify(body)).not.toContain(alice.canary);

    const foreign = await app.request('GET', `${base}/documents?sourceId=${String(sourceId)}`, { token });
    expect(foreign.body).toEqual({ data: [], nextCursor: null });
    for (const body of [{ conversationId }, { conversationId, conversationToken }]) {
      const reply = await app.request('POST', `${base}/chat`, {
        token,
        body: { message: 'Hello?', ...body },
      });
      expect(reply.body.code).toBe('not_found');
    }
    expect(await rowsOf(app, alice)).toBe(before);
  });

  it('does not come back by its Idempotency-Key', async () => {
    const key = 'the-same-key';
    const ask = (tenant: Tenant, to: Tenant) =>
      app.request('POST', `/v1/projects/${to.ids['projectId'] ?? ''}/chat`, {
        token: tenant.token,
        headers: { 'idempotency-key': key },
        body: { message: 'What is the secret code of the vault in Zanzibar?' },
      });
    const first = await ask(alice, alice);
    expect(first.body.message.content).toContain(alice.canary);
    expect((await ask(bob, alice)).status).toBe(404);
    const own = await ask(bob, bob);
    expect(own.body.message.content).toContain(bob.canary);
    expect(own.headers['idempotency-replayed']).toBeUndefined();
    expect((await ask(alice, alice)).headers['idempotency-replayed']).toBe('true');
    secrets.push(first.body.conversationToken, own.body.conversationToken);
  });
});

describe('members and visitors', () => {
  it('a viewer reads all and writes nothing', async () => {
    const viewer = await app.register();
    secrets.push(viewer.token);
    await app.ctx.db.execute(sql`
      insert into project_members (project_id, user_id, role) values (${alice.ids['projectId']}, ${viewer.userId}, 'viewer')`);
    const headers = bearer(viewer.token);
    // Asking is for visitors too: a viewer may do it, and it leaves rows.
    const own = routes.filter(
      ({ access, path }) => access === 'owner' && path.includes('{projectId}') && !path.endsWith('/events'),
    );
    const isForOwners = ({ path }: ApiRoute) => path.endsWith('/export');
    const reads = (route: ApiRoute) =>
      (route.method === 'GET' || route.path.endsWith('/search')) && !isForOwners(route);
    expect(
      await faultsOf(
        own.map((route) => ['a viewer', reads(route) ? 200 : 403, { route, ids: alice.ids, headers }]),
      ),
    ).toEqual([]);
    expect(
      await faultsOf(
        own
          .filter(hasChild)
          .map((route) => [
            'a viewer, things of another project',
            reads(route) ? 404 : 403,
            { route, ids: mixed(alice, bob), headers },
          ]),
      ),
    ).toEqual([]);
    await app.ctx.db.execute(sql`delete from project_members where user_id = ${viewer.userId}`);
    expect(
      await faultsOf(own.map((route) => ['no viewer any more', 404, { route, ids: alice.ids, headers }])),
    ).toEqual([]);
  });

  it('a visitor of a public project reaches what its own token opens, from an allowed origin', async () => {
    await setVisitors({ isPublic: true, allowedOrigins: ['https://good.example'] });
    const origins = ['https://evil.example', 'null', 'http://good.example', 'https://good.example.evil.org'];
    const attacks = routes.flatMap((route) => {
      const isOpen = route.access === 'visitor';
      const ids = alice.ids;
      const good = { origin: 'https://good.example' };
      const foreign = { ...good, 'conversation-token': bob.conversationToken };
      return [
        ...origins.map((origin): [string, number, Attack] => [
          `from ${origin}`,
          isOpen ? 403 : 401,
          { route, ids, headers: { origin } },
        ]),
        ...(isOpen && hasChild(route)
          ? ([
              ['without a conversation token', 404, { route, ids, headers: good }],
              ['with the token of another conversation', 404, { route, ids, headers: foreign }],
              ['with an empty token', 404, { route, ids, headers: { ...good, 'conversation-token': '' } }],
              [
                'an owner of another project',
                404,
                { route, ids, headers: { ...good, ...bearer(bob.token) } },
              ],
            ] satisfies [string, number, Attack][])
          : []),
      ];
    });
    expect(await faultsOf(attacks)).toEqual([]);

    const base = `/v1/projects/${alice.ids['projectId'] ?? ''}`;
    const ask = (body: object) =>
      app.request('POST', `${base}/chat`, { body: { message: 'Hello?', ...body } });
    const mine = await ask({});
    expect(mine.status).toBe(200);
    const { conversationId, conversationToken } = mine.body;
    secrets.push(conversationToken);
    const stolen = { conversationId: alice.ids['conversationId'] };
    for (const body of [
      stolen,
      { ...stolen, conversationToken },
      { conversationId },
      { conversationId, conversationToken: alice.conversationToken },
    ]) {
      expect((await ask(body)).body.code).toBe('not_found');
    }
    expect((await ask({ conversationId, conversationToken })).status).toBe(200);
    const messages = `${base}/conversations/${String(conversationId)}/messages`;
    const headers = { 'conversation-token': String(conversationToken) };
    expect((await app.request('GET', messages, { headers })).body.data).toHaveLength(4);

    await setVisitors({ isPublic: false });
    expect((await app.request('GET', messages, { headers })).status).toBe(404);
    expect((await ask({ conversationId, conversationToken })).status).toBe(404);
  });

  it('leave nothing of their texts and tokens in the log', () => {
    expect(app.logLines.length).toBeGreaterThan(300);
    for (const secret of [
      alice.canary,
      bob.canary,
      ...secrets,
      'correct horse battery',
      'Zanzibar',
      'user1@example.com',
    ]) {
      expect({ secret, line: app.logLines.find((line) => line.includes(secret)) }).toEqual({
        secret,
        line: undefined,
      });
    }
    expect(app.logLines.join('\n')).not.toMatch(/eyJ[\w-]+\.[\w-]+\./);
  });
});

async function setVisitors(settings: object): Promise<void> {
  const path = `/v1/projects/${alice.ids['projectId'] ?? ''}`;
  expect((await app.request('PATCH', path, { token: alice.token, body: settings })).status).toBe(200);
}
