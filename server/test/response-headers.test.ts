import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathOf } from './api-routes.js';
import { type AttackTarget, createAttackTarget } from './attack-target.js';
import { type Sent, send } from './refusals.js';

let target: AttackTarget;
beforeAll(async () => {
  target = await createAttackTarget();
});
afterAll(() => target.app.close());

const ALWAYS = {
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'x-frame-options': 'SAMEORIGIN',
  'cross-origin-resource-policy': 'same-origin',
};

describe('headers of answers', () => {
  it('tell browsers not to guess, frame, embed, refer or keep, whatever the answer', async () => {
    const { app, routes, known } = target;
    const requests: [number, Sent][] = [
      [200, { method: 'GET', url: '/health/live' }],
      [200, { method: 'GET', url: '/openapi.json' }],
      [401, { method: 'GET', url: '/v1/projects' }],
      [404, { method: 'GET', url: '/nothing' }],
      [405, { method: 'PUT', url: '/v1/projects' }],
      [
        400,
        {
          method: 'POST',
          url: '/v1/auth/login',
          headers: { 'content-type': 'application/json' },
          payload: '{',
        },
      ],
      [
        415,
        { method: 'POST', url: '/v1/auth/login', headers: { 'content-type': 'text/plain' }, payload: '{}' },
      ],
      [200, { method: 'GET', url: pathOf(routeOf('GET /v1/projects'), known), headers: bearer() }],
    ];
    expect(routes.length).toBeGreaterThan(25);
    for (const [status, request] of requests) {
      const reply = await send(app, request);
      expect({ url: request.url, status: reply.status }).toEqual({ url: request.url, status });
      expect({ url: request.url, ...reply.headers }).toMatchObject(ALWAYS);
      expect(Object.keys(reply.headers)).not.toContain('x-powered-by');
      expect(Object.keys(reply.headers)).not.toContain('server');
      if (request.url.startsWith('/v1')) expect(reply.headers['cache-control']).toBe('no-store');
    }
  });

  it('tell them the most of it where the address cannot be read', async () => {
    const reply = await send(target.app, { method: 'GET', url: '/v1/projects/%zz' });
    expect(reply.status).toBe(400);
    expect(reply.headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': ALWAYS['content-security-policy'],
      'x-content-type-options': 'nosniff',
    });
  });

  it('say which credential is missing, everywhere where one is needed', async () => {
    const { app, routes, known } = target;
    const needing = routes.filter(({ access }) => access === 'owner');
    expect(needing.length).toBeGreaterThan(20);
    for (const route of needing) {
      const { status, headers } = await send(app, { method: route.method, url: pathOf(route, known) });
      const seen = { route: route.name, status, header: headers['www-authenticate'] };
      expect(seen).toEqual({ route: route.name, status: 401, header: 'Bearer' });
    }
  });

  it('say what is possible where TRACE and other methods are not', async () => {
    const { app } = target;
    for (const url of ['/v1/projects', '/v1/auth/login', '/health']) {
      const reply = await send(app, { method: 'TRACE', url, headers: { 'x-secret': 'echo me' } });
      expect({ url, status: reply.status }).toEqual({ url, status: 405 });
      expect(String(reply.headers['allow'])).not.toContain('TRACE');
      expect(reply.text).not.toContain('echo me');
    }
  });

  it.each([
    'https://evil.example',
    'null',
    'file://',
    'http://localhost.evil.example',
    'https://localhost:80@evil.example',
    'https://evil.example#localhost',
    'https://evil.example/localhost',
    'http://LOCALHOST',
    'http://localhost:8080',
    'http://localhost.',
    'http://xlocalhost',
    'http://local_host',
    'http://[::1]',
    '*',
    '',
  ])('let a page of origin %j read nothing of the API', async (origin) => {
    const { app } = target;
    const method = { 'access-control-request-method': 'GET' };
    for (const request of [
      { method: 'GET', url: '/v1/projects', headers: { origin, ...bearer() } },
      { method: 'GET', url: '/v1/auth/me', headers: { origin, ...bearer() } },
      { method: 'OPTIONS', url: '/v1/projects', headers: { origin, ...method } },
      { method: 'OPTIONS', url: '/v1/auth/refresh', headers: { origin, ...method } },
    ]) {
      const { headers } = await send(app, request);
      expect(headers['access-control-allow-origin']).toBeUndefined();
      expect(headers['access-control-allow-credentials']).toBeUndefined();
    }
  });
});

const bearer = () => ({ authorization: `Bearer ${target.token}` });

function routeOf(name: string) {
  const route = target.routes.find((candidate) => candidate.name === name);
  if (route === undefined) throw new Error(`there is no ${name}`);
  return route;
}
