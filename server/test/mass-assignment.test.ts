import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ApiRoute,
  type JsonSchema,
  fieldsOf,
  isReadByFields,
  listApiRoutes,
  pathOf,
  sampleOf,
} from './api-routes.js';
import { NOBODYS_ID, withField } from './bad-values.js';
import { type TestApp, createTestApp } from './create-test-app.js';
import { faultOf, send } from './refusals.js';
import { type Tenant, createTenant, rowsOf } from './tenants.js';

/** What the server alone decides, with a value that would be worth having. */
const SERVER_OWNED: Record<string, unknown> = {
  id: NOBODYS_ID,
  orgId: NOBODYS_ID,
  ownerId: NOBODYS_ID,
  userId: NOBODYS_ID,
  projectId: NOBODYS_ID,
  role: 'owner',
  isAdmin: true,
  admin: true,
  plan: 'enterprise',
  limits: { messages: 1_000_000 },
  credits: 1_000_000,
  used: 0,
  createdAt: '2000-01-01T00:00:00.000Z',
  updatedAt: '2000-01-01T00:00:00.000Z',
  emailVerified: true,
  emailVerifiedAt: '2000-01-01T00:00:00.000Z',
  passwordHash: '$2b$04$abcdefghijklmnopqrstuu',
  password_hash: '$2b$04$abcdefghijklmnopqrstuu',
  tokenVersion: 0,
  stripeCustomerId: 'cus_1',
  status: 'ready',
  deletedAt: null,
  suspendedAt: null,
  apiKeyId: NOBODYS_ID,
  indexVersion: 0,
};

let app: TestApp;
let tenant: Tenant;
let routes: ApiRoute[];

beforeAll(async () => {
  app = await createTestApp();
  tenant = await createTenant(app);
  routes = (await listApiRoutes(app.server)).filter(isReadByFields);
});
afterAll(() => app.close());

describe('fields that the server alone decides', () => {
  it('are refused by every route that writes, at every level of its body, and change no row', async () => {
    const before = await rowsOf(app, tenant);
    const faults: string[] = [];
    let sent = 0;
    for (const route of routes.filter(({ method }) => method !== 'GET')) {
      for (const { payload, what } of bodiesWithOwnedField(route)) {
        const reply = await send(app, {
          method: route.method,
          url: pathOf(route, tenant.ids),
          headers: { 'content-type': 'application/json', authorization: `Bearer ${tenant.token}` },
          payload,
        });
        sent += 1;
        // A route for CSV takes no JSON at all, and those of admins are closed before anything is read.
        const isClosed = route.path.startsWith('/v1/admin') && reply.status === 403;
        const isRefused = isClosed || reply.status === 400 || reply.status === 415;
        const fault = faultOf(reply) ?? (isRefused ? null : `answered ${reply.status}`);
        if (fault !== null) faults.push(`${route.name} with ${what}: ${fault}`);
      }
    }
    expect(faults).toEqual([]);
    expect(sent).toBeGreaterThan(700);
    expect(await rowsOf(app, tenant)).toBe(before);
  });

  it('would be seen in the rows if one came through', async () => {
    const before = await rowsOf(app, tenant);
    const path = `/v1/projects/${tenant.ids['projectId'] ?? ''}`;
    await app.request('PATCH', path, { token: tenant.token, body: { name: 'Another' } });
    expect(await rowsOf(app, tenant)).not.toBe(before);
  });
});

/** A good body of the route with one such field more, in it and in each object inside of it. */
function bodiesWithOwnedField(route: ApiRoute): { payload: string; what: string }[] {
  const owned = Object.entries(SERVER_OWNED);
  if (route.bodies.length === 0) {
    return owned.map(([name, value]) => ({ what: name, payload: JSON.stringify({ [name]: value }) }));
  }
  return route.bodies.flatMap((schema) => {
    const sample = sampleOf(schema, '', true);
    const objects = [{ path: [], schema }, ...fieldsOf(schema)].filter((field) =>
      isFixedObject(field.schema),
    );
    return objects.flatMap(({ path, schema: object }) =>
      owned
        .filter(([name]) => object.properties?.[name] === undefined)
        .map(([name, value]) => ({
          what: [...path, name].join('.'),
          payload: withField(sample, [...path, name], value),
        })),
    );
  });
}

/** An object with fields of its own: metadata takes any. */
function isFixedObject(schema: JsonSchema): boolean {
  return schema.type === 'object' && Object.keys(schema.properties ?? {}).length > 0;
}
