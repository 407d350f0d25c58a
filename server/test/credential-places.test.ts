import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from './create-test-app.js';
import { bearer } from './tenants.js';

let app: TestApp;
let owner: { token: string; userId: string; email: string };
let stranger: { token: string };
let projectId: string;
let chatKey: string;
let adminKey: string;
beforeAll(async () => {
  app = await createTestApp();
  owner = await app.register();
  stranger = await app.register();
  projectId = await app.createProject(owner.token);
  const makeKey = async (scopes: string[]) =>
    (await app.request('POST', '/v1/api-keys', { token: owner.token, body: { name: 'Key', scopes } })).body
      .key;
  chatKey = await makeKey(['chat']);
  adminKey = await makeKey(['admin']);
});
afterAll(() => app.close());

/** Headers that some server, proxy or framework somewhere believes, with what they would have to say to help. */
function magicHeaders(): [string, string][] {
  const path = `/v1/projects/${projectId}`;
  const { userId, email, token } = owner;
  return [
    ...['x-user-id', 'x-userid', 'x-user', 'x-forwarded-user', 'x-remote-user', 'remote-user', 'x-auth-user']
      .concat(['x-authenticated-user', 'x-authenticated-userid', 'x-auth-request-user', 'x-webauth-user'])
      .concat(['x-account-id', 'x-tenant-id', 'x-owner-id', 'x-impersonate', 'x-sudo', 'x-consumer-id'])
      .map((name): [string, string] => [name, userId]),
    ...[
      'x-forwarded-email',
      'x-auth-request-email',
      'x-user-email',
      'x-goog-authenticated-user-email',
      'from',
    ].map((name): [string, string] => [name, email]),
    ...['x-api-key', 'api-key', 'apikey', 'x-auth-token', 'x-access-token', 'x-session-token', 'x-token']
      .concat(['proxy-authorization', 'x-authorization', 'x-forwarded-authorization', 'x-amz-security-token'])
      .flatMap((name): [string, string][] => [
        [name, adminKey],
        [name, `Bearer ${token}`],
      ]),
    ['cookie', `accessToken=${token}; token=${token}; session=${token}; access_token=${token}`],
    ['cookie', `api_key=${adminKey}; apiKey=${adminKey}`],
    ...[
      'x-role',
      'x-user-role',
      'x-roles',
      'x-scope',
      'x-scopes',
      'x-admin',
      'x-is-admin',
      'x-project-role',
    ].flatMap((name): [string, string][] => [
      [name, 'admin'],
      [name, 'true'],
    ]),
    ...['x-internal', 'x-internal-request', 'x-request-from', 'x-requested-by', 'x-debug', 'x-bypass-auth']
      .concat(['x-middleware-subrequest', 'x-middleware-prefetch', 'x-requested-with'])
      .map((name): [string, string] => [name, 'internal']),
    ...['x-forwarded-for', 'x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip', 'forwarded'].map(
      (name): [string, string] => [name, '127.0.0.1'],
    ),
    ...['x-original-url', 'x-rewrite-url', 'x-original-uri', 'x-forwarded-uri', 'x-forwarded-prefix'].map(
      (name): [string, string] => [name, path],
    ),
    ...['x-http-method-override', 'x-http-method', 'x-method-override'].map((name): [string, string] => [
      name,
      'DELETE',
    ]),
    ['x-forwarded-host', '127.0.0.1'],
    ['x-ssl-client-verify', 'SUCCESS'],
  ];
}

const withoutId = (body: unknown) => JSON.stringify(body).replace(/"requestId":"[^"]+"/, '');

describe('headers beside `Authorization`', () => {
  it('change nothing, without a credential, for a stranger and for a key of one scope', async () => {
    const path = `/v1/projects/${projectId}`;
    const asked: [string, string, Record<string, string>, number, object?][] = [
      ['GET', path, {}, 401],
      ['GET', '/v1/auth/me', {}, 401],
      ['POST', `${path}/chat`, {}, 404, { message: 'Hello?' }],
      ['GET', path, bearer(stranger.token), 404],
      ['PATCH', path, bearer(chatKey), 403, { name: 'Mine' }],
      ['GET', '/v1/api-keys', bearer(chatKey), 403],
      ['GET', path, bearer('bb_sk_dead'), 401],
    ];
    const headers = magicHeaders();
    expect(new Set(headers.map(([name]) => name)).size).toBeGreaterThan(60);
    const faults: string[] = [];
    for (const [method, url, credential, status, body] of asked) {
      const plain = await app.request(method, url, { headers: credential, body });
      expect([method, url, plain.status]).toEqual([method, url, status]);
      for (const [name, value] of headers) {
        const reply = await app.request(method, url, { headers: { ...credential, [name]: value }, body });
        if (reply.status !== status || withoutId(reply.body) !== withoutId(plain.body))
          faults.push(`${method} ${url} with ${name}: ${value}: ${reply.status}`);
      }
    }
    expect(faults).toEqual([]);
    expect((await app.request('GET', path, { token: owner.token })).body.name).toBe('Project');
  });

  it('do not turn a search into a deletion', async () => {
    for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override', '_method']) {
      const reply = await app.request('POST', `/v1/projects/${projectId}/search?_method=DELETE`, {
        token: owner.token,
        headers: { [name]: 'DELETE' },
        body: { query: 'office' },
      });
      expect([name, reply.status]).toEqual([name, 200]);
    }
    expect((await app.request('GET', `/v1/projects/${projectId}`, { token: owner.token })).status).toBe(200);
  });
});

describe('credentials in other places', () => {
  it.each(['access_token', 'token', 'api_key', 'apikey', 'key', 'authorization'])(
    'do not count: the query %s',
    async (name) => {
      for (const value of [owner.token, adminKey, `Bearer ${adminKey}`]) {
        const reply = await app.request('GET', `/v1/projects?${name}=${encodeURIComponent(value)}`);
        expect(reply.status).toBe(401);
      }
    },
  );

  it.each([
    ['Basic', () => `Basic ${Buffer.from(`:${adminKey}`).toString('base64')}`],
    ['the bare key', () => adminKey],
    ['two in one header', () => `Bearer ${chatKey}, Bearer ${adminKey}`],
    ['two in one header, parted by a space', () => `Bearer ${chatKey} ${adminKey}`],
    ['a key and a token', () => `Bearer ${chatKey},${owner.token}`],
    ['an empty one', () => 'Bearer '],
  ])('do not count: %s', async (_what, authorization) => {
    const headers = { authorization: authorization() };
    expect((await app.request('GET', `/v1/projects/${projectId}`, { headers })).status).toBe(401);
  });
});

describe('two credentials at once', () => {
  it('are refused where both are in `Authorization`, in any order', async () => {
    const address = new URL(await app.server.listen({ port: 0, host: '127.0.0.1' }));
    const statusOf = (path: string, authorization: string[]) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = authorization.flatMap((value) => ['Authorization', `Bearer ${value}`]);
        httpRequest(new URL(path, address), { headers: ['Host', address.host, ...headers] }, (reply) => {
          reply.resume();
          resolve(reply.statusCode);
        })
          .on('error', reject)
          .end();
      });
    const path = `/v1/projects/${projectId}`;
    expect(await statusOf(path, [adminKey])).toBe(200);
    for (const pair of [
      [chatKey, adminKey],
      [adminKey, chatKey],
      [owner.token, stranger.token],
      [adminKey, adminKey],
    ]) {
      expect(await statusOf(path, pair)).toBe(400);
      expect(await statusOf(`${path}/conversations/x/messages`, pair)).toBe(400);
    }
  });
});
