import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiRoute, listApiRoutes } from './api-routes.js';
import { type TestApp, createTestApp } from './create-test-app.js';
import { attack, bearer, createTenant } from './tenants.js';

let app: TestApp;
let routes: ApiRoute[];
beforeAll(async () => {
  app = await createTestApp();
  routes = (await listApiRoutes(app.server)).filter(({ access }) => access !== 'none');
});
afterAll(() => app.close());

const SCOPES = ['chat', 'read', 'write', 'admin'];
const ASK = ['chat', 'write', 'admin'];
const READ = ['read', 'write', 'admin'];
const WRITE = ['write', 'admin'];
const ADMIN = ['admin'];

/** What is not told by its method. */
const EXCEPTIONS: [RegExp, string[]][] = [
  [/^(POST|GET) .+\/chat(\/\{messageId\}\/(stream|stop))?$/, ASK],
  [/^POST .+\/feedback$/, ASK],
  [/^POST .+\/search$/, READ],
  [/^(PATCH|DELETE) \/v1\/projects\/\{projectId\}$/, ADMIN],
  [/^(POST|PATCH|DELETE) .+\/(members|invitations)(\/|$)/, ADMIN],
  [/^POST .+\/transfer$/, ADMIN],
  [/^GET \/v1\/(usage|billing)\b/, ADMIN],
  [/^(GET|POST) .+\{projectId\}\/(export|erasures)$/, ADMIN],
];

/** The scopes that open a route; none opens what is about the account, or for admins. */
function scopesOf(route: ApiRoute): string[] {
  if (route.access === 'session' || route.access === 'admin') return [];
  const exception = EXCEPTIONS.find(([pattern]) => pattern.test(route.name));
  return exception?.[1] ?? (route.method === 'GET' ? READ : WRITE);
}

/** What is read first, what is deleted last, and the project at the very end. */
const ORDER = ['GET', 'POST', 'PATCH', 'DELETE'];
const byHarm = (a: ApiRoute, b: ApiRoute) =>
  ORDER.indexOf(a.method) - ORDER.indexOf(b.method) || b.path.length - a.path.length;

describe('the scopes of an API key', () => {
  it.each(SCOPES)('%s opens its routes, and no other gets further than 403', async (scope) => {
    const tenant = await createTenant(app);
    const body = { name: 'Key', scopes: [scope] };
    const { key } = (await app.request('POST', '/v1/api-keys', { token: tenant.token, body })).body;
    const faults: string[] = [];
    for (const route of routes.toSorted(byHarm)) {
      const isOpen = scopesOf(route).includes(scope);
      // A stream of progress does not end by itself.
      if (isOpen && route.path.endsWith('/events')) continue;
      const { status } = await attack(app, { route, ids: tenant.ids, headers: bearer(key) });
      const isRight = isOpen ? status < 500 && ![401, 403].includes(status) : status === 403;
      if (!isRight) faults.push(`${route.name}: ${status}`);
    }
    expect(faults).toEqual([]);
  });

  it('are about every route that needs a credential', () => {
    expect(routes.length).toBeGreaterThan(45);
    expect(routes.filter(({ access }) => access === 'session').length).toBeGreaterThan(4);
  });
});
