import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiRoute, listApiRoutes, pathOf, sampleOf } from './api-routes.js';
import { NOBODYS_ID } from './bad-values.js';
import { type TestApp, createTestApp } from './create-test-app.js';
import { faultOf, send } from './refusals.js';
import { type Tenant, bearer, createTenant, rowsOf } from './tenants.js';

/**
 * Every route × every credential × every kind of id. Each cell is a request whose answer is known beforehand:
 * nothing in here is a list of routes, so a route that is added tomorrow is in it tomorrow.
 */
const MIN_CELLS = 3_000;
/** Thousands of requests one after the other, also on a busy machine. */
const TIMEOUT_MS = 300_000;

/** What a credential is good for in Alice's project. */
type Standing = 'dead' | 'none' | 'stranger' | 'viewer' | 'editor' | 'owner';

interface Credential {
  name: string;
  standing: Standing;
  headers: Record<string, string>;
}

let app: TestApp;
let routes: ApiRoute[];
let alice: Tenant;
let bob: Tenant;
let credentials: Credential[];
let cells = 0;

beforeAll(async () => {
  app = await createTestApp();
  routes = await listApiRoutes(app.server);
  alice = await createTenant(app);
  bob = await createTenant(app);
  credentials = await makeCredentials();
});
afterAll(() => app.close());

const ROLES_BY_RANK = ['viewer', 'editor', 'owner'] as const;
type MemberRole = (typeof ROLES_BY_RANK)[number];

/** Routes that ask for more or less than their method tells: reading is for viewers, writing for editors. */
const LEAST_ROLES: [RegExp, MemberRole][] = [
  [/^(POST|PATCH|DELETE) .*\/(members|invitations|transfer)\b/, 'owner'],
  [/^DELETE \/v1\/projects\/\{projectId\}$/, 'owner'],
  [/^GET .*\/export$/, 'owner'],
  [/^POST .*\/erasures$/, 'owner'],
  [/^POST .*\/(search|chat|stop|feedback)$/, 'viewer'],
];

function leastRole(route: ApiRoute): MemberRole {
  const named = LEAST_ROLES.find(([pattern]) => pattern.test(route.name));
  return named?.[1] ?? (route.method === 'GET' ? 'viewer' : 'editor');
}

const isOfProject = ({ path }: ApiRoute) => path.includes('/projects/{projectId}');
const isOfAdmins = ({ access }: ApiRoute) => access === 'admin';

/** A member of Alice's project, made by SQL: how one becomes a member is tested where it is done. */
async function memberOfAlice(role: MemberRole): Promise<string> {
  const account = await app.register();
  await app.ctx.db.execute(
    sql`insert into project_members (project_id, user_id, role) values (${alice.ids['projectId']}, ${account.userId}, ${role})`,
  );
  return account.token;
}

async function makeCredentials(): Promise<Credential[]> {
  const ended = await app.register();
  await app.request('POST', '/v1/auth/logout', { body: { refreshToken: ended.refreshToken } });
  const suspended = await memberOfAlice('owner');
  const suspendedId = (await app.request('GET', '/v1/auth/me', { token: suspended })).body.id;
  await app.ctx.db.execute(sql`update users set suspended_at = now() where id = ${suspendedId}`);
  const deleted = await memberOfAlice('owner');
  expect((await app.request('DELETE', '/v1/auth/me', { token: deleted })).status).toBe(204);
  const admin = await app.register();
  await app.ctx.db.execute(sql`update users set role = 'admin' where id = ${admin.userId}`);
  const stranger = await app.register();
  const magic = {
    'x-user-id': alice.userId,
    'x-forwarded-user': alice.email,
    'x-internal': 'true',
    'x-request-from': 'internal',
    'x-original-url': '/v1/admin/users',
    'x-http-method-override': 'GET',
    'x-api-key': alice.token,
    cookie: `token=${alice.token}; session=${alice.token}`,
  };
  const key = async (token: string, body: object) =>
    (await app.request('POST', '/v1/api-keys', { token, body: { name: 'key', ...body } })).body.key as string;
  const scopes = ['admin'];
  const { projectId } = alice.ids;
  return [
    { name: 'no credential', standing: 'none', headers: {} },
    { name: 'magic headers', standing: 'none', headers: magic },
    { name: 'an invented token', standing: 'dead', headers: bearer('bb_sk_invented') },
    { name: 'a refresh token', standing: 'dead', headers: bearer(alice.refreshToken) },
    { name: 'a conversation token', standing: 'dead', headers: bearer(alice.conversationToken) },
    { name: 'an ended session', standing: 'dead', headers: bearer(ended.token) },
    { name: 'a suspended owner', standing: 'dead', headers: bearer(suspended) },
    { name: 'a deleted owner', standing: 'dead', headers: bearer(deleted) },
    { name: 'a stranger', standing: 'stranger', headers: bearer(stranger.token) },
    { name: 'an admin who is no member', standing: 'stranger', headers: bearer(admin.token) },
    { name: 'Bob', standing: 'stranger', headers: bearer(bob.token) },
    { name: 'Bob with magic headers', standing: 'stranger', headers: { ...magic, ...bearer(bob.token) } },
    { name: 'a key of Bob’s', standing: 'stranger', headers: bearer(await key(bob.token, { scopes })) },
    {
      name: 'a key of Bob’s project',
      standing: 'stranger',
      headers: bearer(await key(bob.token, { scopes, projectId: bob.ids['projectId'] })),
    },
    { name: 'a viewer', standing: 'viewer', headers: bearer(await memberOfAlice('viewer')) },
    { name: 'an editor', standing: 'editor', headers: bearer(await memberOfAlice('editor')) },
    { name: 'Alice', standing: 'owner', headers: bearer(alice.token) },
    { name: 'a key of Alice’s', standing: 'owner', headers: bearer(await key(alice.token, { scopes })) },
    {
      name: 'a key of Alice’s project',
      standing: 'owner',
      headers: bearer(await key(alice.token, { scopes, projectId })),
    },
    {
      name: 'a reading key of Alice’s',
      standing: 'viewer',
      headers: bearer(await key(alice.token, { scopes: ['read', 'chat'] })),
    },
  ];
}

/** Ids that no thing has, as they come in paths. */
const MALFORMED = ['nonsense', '%00', "'%20or%201=1--", '*'];

/** For each path parameter but the project: what may stand there, and whether it is Alice's. */
function childIds(route: ApiRoute): [string, Record<string, string>, boolean][] {
  const children = route.pathParameters.filter((name) => name !== 'projectId');
  if (children.length === 0) return [['', {}, true]];
  const last = children.at(-1) ?? '';
  const of = (tenant: Tenant) => Object.fromEntries(children.map((name) => [name, tenant.ids[name] ?? '']));
  const own = of(alice);
  const nested = children.length > 1 ? { ...of(bob), [last]: own[last] ?? '' } : null;
  return [
    ['its own', own, true],
    ['Bob’s', of(bob), false],
    ['Bob’s last', { ...own, [last]: bob.ids[last] ?? '' }, false],
    ...(nested === null ? [] : ([['its own under Bob’s', nested, false]] as [string, typeof own, boolean][])),
    ['nobody’s', Object.fromEntries(children.map((name) => [name, NOBODYS_ID])), false],
    ...MALFORMED.map((id): [string, typeof own, boolean] => [id, { ...own, [last]: id }, false]),
  ];
}

/** All of Alice's rows but what refusals may write: that a key was used, and that something was refused. */
async function storedOfAlice(): Promise<string> {
  const rows = (await rowsOf(app, alice)).split('\n');
  return rows.filter((row) => !/"key_hash"|"outcome": "refused"/.test(row)).join('\n');
}

/** Sends one request that must not get through, and tells what is wrong with its answer. */
async function cell(
  route: ApiRoute,
  request: { what: string; status: number | number[]; ids: Record<string, string>; query?: string },
  credential: Pick<Credential, 'headers' | 'standing'>,
  payload?: unknown,
): Promise<string[]> {
  cells += 1;
  const hasBody = route.bodies.length > 0 || payload !== undefined;
  const reply = await send(app, {
    method: route.method,
    url: `${pathOf(route, request.ids)}${request.query ?? ''}`,
    headers: { ...credential.headers, ...(hasBody ? { 'content-type': 'application/json' } : {}) },
    ...(hasBody ? { payload: JSON.stringify(payload ?? []) } : {}),
  });
  const faults: string[] = [];
  const allowed = [request.status].flat();
  const name = `${route.name}, ${request.what}`;
  if (!allowed.includes(reply.status))
    faults.push(`${name}: ${reply.status}, not ${allowed.join(' or ')}: ${reply.text.slice(0, 80)}`);
  if (reply.status >= 400) {
    const fault = faultOf(reply);
    if (fault !== null) faults.push(`${name}: ${fault}`);
  }
  const isMember = ['viewer', 'editor', 'owner'].includes(credential.standing);
  const seen = [...(isMember ? [] : [alice]), bob].find(
    (tenant) => tenant.canary !== '' && reply.text.includes(tenant.canary),
  );
  if (
    seen !== undefined &&
    !(seen === bob && credential.headers['authorization']?.includes(bob.token) === true)
  )
    faults.push(`${name}: tells what is somebody else's`);
  return faults;
}

/** The answer that a credential gets in Alice's project, or null where it would get through. */
function refusalOf(route: ApiRoute, standing: Standing, isOwn: boolean): number | null {
  const isForVisitors = route.access === 'visitor';
  if (standing === 'dead') return 401;
  if (standing === 'none') return isForVisitors ? 404 : 401;
  if (standing === 'stranger') return 404;
  const isAllowed = ROLES_BY_RANK.indexOf(standing) >= ROLES_BY_RANK.indexOf(leastRole(route));
  if (!isAllowed) return 403;
  return isOwn ? null : 404;
}

describe('every route of a project', { timeout: TIMEOUT_MS }, () => {
  it('answers each credential as it stands, for each kind of id', async () => {
    const before = await storedOfAlice();
    const faults: string[] = [];
    for (const route of routes.filter(isOfProject)) {
      for (const credential of credentials) {
        for (const [childName, ids, isOwn] of childIds(route)) {
          const refusal = refusalOf(route, credential.standing, isOwn);
          const what = `${credential.name}, ${childName}`;
          const inAlices = { ...ids, projectId: alice.ids['projectId'] ?? '' };
          if (refusal !== null) {
            // A member's wrong id is refused for its form first where the body is wrong too.
            const status = refusal === 404 && credential.standing !== 'stranger' && route.bodies.length > 0;
            faults.push(
              ...(await cell(
                route,
                { what, status: status ? [404, 400] : refusal, ids: inAlices },
                credential,
              )),
            );
          } else if (route.bodies.length > 0 && !route.isBodyOptional) {
            // Gets in, and no further than the form of its body.
            faults.push(...(await cell(route, { what, status: [400, 415], ids: inAlices }, credential)));
          }
        }
        for (const projectId of [NOBODYS_ID, ...MALFORMED]) {
          const standing = credential.standing === 'dead' || credential.standing === 'none';
          const status = standing ? (refusalOf(route, credential.standing, true) ?? 404) : 404;
          const what = `${credential.name}, project ${projectId}`;
          faults.push(...(await cell(route, { what, status, ids: { ...alice.ids, projectId } }, credential)));
        }
      }
    }
    expect(faults).toEqual([]);
    expect(await storedOfAlice()).toBe(before);
    expect(cells).toBeGreaterThan(MIN_CELLS);
  });

  it('shows members what is their own', async () => {
    const faults: string[] = [];
    const reads = routes.filter(
      (route) => isOfProject(route) && route.method === 'GET' && !/\/(events|stream)$/.test(route.path),
    );
    for (const route of reads) {
      for (const credential of credentials) {
        if (refusalOf(route, credential.standing, true) !== null) continue;
        const request = { what: credential.name, status: [200, 204], ids: alice.ids };
        faults.push(...(await cell(route, request, credential)));
      }
    }
    expect(faults).toEqual([]);
  });

  it('takes no id of another project in a query', async () => {
    const credential = { name: 'Bob', standing: 'stranger' as const, headers: bearer(bob.token) };
    const values = [...Object.values(alice.ids), alice.chunkId];
    const faults: string[] = [];
    const lists = routes.filter(
      (route) => isOfProject(route) && route.method === 'GET' && !/\/(events|stream)$/.test(route.path),
    );
    for (const route of lists) {
      for (const parameter of route.queryParameters) {
        for (const value of values.flatMap((id) => [id, Buffer.from(id).toString('base64url')])) {
          const query = `?${parameter}=${value}`;
          const request = { what: query, status: [200, 400, 404], ids: bob.ids, query };
          faults.push(...(await cell(route, request, credential)));
        }
      }
    }
    expect(faults).toEqual([]);
  });

  it('takes no id of another project in a body', async () => {
    const before = await storedOfAlice();
    const faults: string[] = [];
    const names = [
      'id',
      ...Object.keys(alice.ids),
      'userId',
      'ownerId',
      'chunkId',
      'sourceIds',
      'workspaceId',
    ];
    for (const route of routes.filter((item) => isOfProject(item) && item.bodies.length > 0)) {
      for (const name of names) {
        const id = alice.ids[name] ?? (name === 'chunkId' ? alice.chunkId : alice.ids['projectId']);
        for (const value of [id, [id]]) {
          const request = { what: `body ${name}`, status: [400, 403, 404, 409, 415, 422], ids: bob.ids };
          faults.push(
            ...(await cell(
              route,
              request,
              { standing: 'stranger', headers: bearer(bob.token) },
              { [name]: value },
            )),
          );
        }
      }
    }
    expect(faults).toEqual([]);
    expect(await storedOfAlice()).toBe(before);
  });
});

describe('every route of an account', () => {
  it('answers 404 for what is somebody else’s, nobody’s or malformed, and 401 without a living credential', async () => {
    const own = routes.filter(
      (route) => !isOfProject(route) && (route.access === 'owner' || route.access === 'session'),
    );
    const before = await storedOfAlice();
    const faults: string[] = [];
    for (const route of own) {
      for (const credential of credentials) {
        const isOut = ['dead', 'none'].includes(credential.standing);
        if (isOut) {
          const request = { what: credential.name, status: 401, ids: alice.ids };
          faults.push(...(await cell(route, request, credential)));
        }
        if (route.pathParameters.length === 0 || credential.name === 'Alice') continue;
        const isKey = credential.name.includes('key');
        for (const id of [null, NOBODYS_ID, ...MALFORMED]) {
          const ids = Object.fromEntries(
            route.pathParameters.map((name) => [name, id ?? alice.ids[name] ?? '']),
          );
          const request = { what: `${credential.name}, ${id ?? 'Alice’s'}`, ids };
          const status = isOut ? 401 : isKey ? 403 : 404;
          const body = route.bodies[0] === undefined ? undefined : sampleOf(route.bodies[0]);
          const asStranger = { ...credential, standing: 'stranger' as const };
          faults.push(...(await cell(route, { ...request, status }, asStranger, body)));
        }
      }
    }
    expect(faults).toEqual([]);
    expect(await storedOfAlice()).toBe(before);
  });
});

describe('every route of admins', () => {
  it('is closed to all others, whatever the id', async () => {
    const faults: string[] = [];
    for (const route of routes.filter(isOfAdmins)) {
      for (const credential of credentials) {
        if (credential.name.startsWith('an admin')) continue;
        const status = ['dead', 'none'].includes(credential.standing) ? 401 : 403;
        for (const id of [null, NOBODYS_ID, ...MALFORMED]) {
          const ids = Object.fromEntries(
            route.pathParameters.map((name) => [name, id ?? alice.ids[name] ?? alice.userId]),
          );
          const request = { what: `${credential.name}, ${id ?? 'Alice’s'}`, status, ids };
          faults.push(...(await cell(route, request, { ...credential, standing: 'stranger' })));
        }
      }
    }
    expect(faults).toEqual([]);
  });
});

describe('after all of it', () => {
  it('nothing of anybody stands in the log, and no mail tells one of the other', async () => {
    await app.runJobs();
    for (const tenant of [alice, bob]) {
      const line = app.logLines.find((text) => text.includes(tenant.canary) || text.includes(tenant.token));
      expect(line).toBeUndefined();
    }
    const wrong = app.mails.filter(
      ({ to, text, html }) => to === bob.email && `${text}${html}`.includes(alice.canary),
    );
    expect(wrong).toEqual([]);
    // Shown by the run: how many cells there were.
    process.stdout.write(`isolation matrix: ${cells} cells over ${routes.length} routes\n`);
  });
});
