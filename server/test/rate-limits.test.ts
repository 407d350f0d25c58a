import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from './create-test-app.js';

const PER_ADDRESS = 20;
const PER_USER = 30;

/** What other programs take for the address of a client. */
const SPOOFED = [
  'forwarded',
  'x-real-ip',
  'cf-connecting-ip',
  'true-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
];

const environment = {
  RATE_LIMIT_MAX_REQUESTS: String(PER_ADDRESS),
  RATE_LIMIT_MAX_REQUESTS_AUTH: String(PER_USER),
  RATE_LIMIT_WINDOW_MS: '60000',
};

let app: TestApp;
let behindProxy: TestApp;
beforeAll(async () => {
  app = await createTestApp({ environment });
  behindProxy = await createTestApp({ environment: { ...environment, TRUST_PROXY: '1' } });
});
afterAll(async () => {
  await app.close();
  await behindProxy.close();
});

/** The statuses of requests from one address, sent one after the other. */
async function statusesOf(
  count: number,
  path: string,
  address: string,
  headers: Record<string, string> = {},
) {
  const statuses: number[] = [];
  for (let sent = 0; sent < count; sent += 1) {
    const reply = await app.server.inject({ method: 'GET', url: path, remoteAddress: address, headers });
    statuses.push(reply.statusCode);
  }
  return statuses;
}

const allowed = (count: number, status: number) => Array<number>(count).fill(status);

describe('rate limits', () => {
  it.each([
    ['a route', '/v1/projects', 401],
    ['a route written with escapes', '/%76%31/projects', 401],
    ['a route with an escape in its middle', '/v1/%70rojects', 401],
    ['an address that leads nowhere', '/v1/nothing', 404],
    ['an address with escapes that leads nowhere', '/%761/nothing', 404],
  ])('count %s by the address it comes from', async (what, path, status) => {
    const address = `10.0.0.${what.length}`;
    expect(await statusesOf(PER_ADDRESS + 2, path, address)).toEqual([
      ...allowed(PER_ADDRESS, status),
      429,
      429,
    ]);
    expect(await statusesOf(1, path, '10.0.1.1')).toEqual([status]);
  });

  it('say what is left, and when to come again', async () => {
    const first = await app.server.inject({ method: 'GET', url: '/v1/projects', remoteAddress: '10.0.2.1' });
    expect(first.headers).toMatchObject({
      'ratelimit-policy': `"default";q=${PER_ADDRESS};w=60`,
      'x-ratelimit-limit': String(PER_ADDRESS),
      'x-ratelimit-remaining': String(PER_ADDRESS - 1),
    });
    await statusesOf(PER_ADDRESS, '/v1/projects', '10.0.2.1');
    const last = await app.server.inject({ method: 'GET', url: '/v1/projects', remoteAddress: '10.0.2.1' });
    expect(last.json()).toMatchObject({ status: 429, code: 'rate_limited' });
    expect(last.headers['x-ratelimit-remaining']).toBe('0');
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(last.headers['retry-after'])).toBeLessThanOrEqual(60);
  });

  it('do not believe X-Forwarded-For where no proxy is trusted', async () => {
    const statuses: number[] = [];
    for (let sent = 0; sent <= PER_ADDRESS; sent += 1) {
      statuses.push(
        ...(await statusesOf(1, '/v1/projects', '10.0.3.1', { 'x-forwarded-for': `1.2.3.${sent}` })),
      );
    }
    expect(statuses.at(-1)).toBe(429);
  });

  it.each(SPOOFED)('believe %s of nobody, at a trusted proxy neither', async (header) => {
    for (const server of [app.server, behindProxy.server]) {
      const remoteAddress = `10.7.0.${SPOOFED.indexOf(header)}`;
      const statuses: number[] = [];
      for (let sent = 0; sent <= PER_ADDRESS / 5; sent += 1) {
        const address = `203.0.113.${sent}`;
        const reply = await server.inject({
          method: 'POST',
          url: '/v1/auth/login',
          remoteAddress,
          headers: { [header]: header === 'forwarded' ? `for=${address}` : address },
          payload: { email: `nobody${sent}@${header}.example`, password: 'a wrong password' },
        });
        statuses.push(reply.statusCode);
      }
      expect(statuses).toEqual([...allowed(PER_ADDRESS / 5, 401), 429]);
    }
  });

  it('take of X-Forwarded-For what the one trusted proxy wrote, and nothing of what was sent to it', async () => {
    const ask = (forwarded: string) =>
      behindProxy.server.inject({
        method: 'GET',
        url: '/v1/projects',
        remoteAddress: '10.7.1.1',
        headers: { 'x-forwarded-for': forwarded },
      });
    const statuses: number[] = [];
    for (let sent = 0; sent <= PER_ADDRESS; sent += 1) {
      statuses.push((await ask(`192.0.2.${sent}, 198.51.100.7`)).statusCode);
    }
    expect(statuses).toEqual([...allowed(PER_ADDRESS, 401), 429]);
    expect((await ask('198.51.100.7, 198.51.100.8')).statusCode).toBe(401);
  });

  it('count a signed-in user by its own, larger measure', async () => {
    const { token } = await app.register();
    const headers = { authorization: `Bearer ${token}` };
    const statuses = await statusesOf(PER_USER + 1, '/v1/projects', '10.0.4.1', headers);
    expect(statuses).toEqual([...allowed(PER_USER, 200), 429]);
    expect(await statusesOf(1, '/v1/projects', '10.0.4.1')).toEqual([401]);
  });

  it('count what a question costs: by its tier and length, for members, addresses and conversations', async () => {
    const { token } = await app.register();
    const projectId = await app.createProject(token, { isPublic: true });
    const ask = async (body: object, from: { token?: string; address?: string }) => {
      const { address: remoteAddress = '10.8.0.1' } = from;
      const authorization = from.token === undefined ? {} : { authorization: `Bearer ${from.token}` };
      return app.server.inject({
        method: 'POST',
        url: `/v1/projects/${projectId}/chat`,
        remoteAddress,
        headers: authorization,
        payload: { message: 'Hello?', ...body },
      });
    };
    const first = await ask({ model: 'premium', message: 'x'.repeat(2_001) }, { token });
    expect(first.headers['ratelimit-policy']).toBe(`"default";q=${PER_USER};w=60, "chat";q=${PER_USER};w=60`);
    expect(first.headers['ratelimit']).toContain(`"chat";r=${PER_USER - 10};t=60`);
    const members: number[] = [];
    for (let sent = 0; sent < 5; sent += 1)
      members.push((await ask({ model: 'premium' }, { token })).statusCode);
    expect(members).toEqual([200, 200, 200, 200, 429]);

    const visitors: number[] = [];
    for (let sent = 0; sent < 5; sent += 1) visitors.push((await ask({ model: 'premium' }, {})).statusCode);
    expect(visitors).toEqual([200, 200, 200, 200, 429]);

    const { conversationId, conversationToken } = (await ask({}, { address: '10.8.0.2' })).json();
    const replies = [];
    for (let sent = 0; sent <= PER_ADDRESS / 2; sent += 1) {
      const address = `10.8.1.${sent}`;
      replies.push(await ask({ conversationId, conversationToken }, { address }));
    }
    expect(replies.map(({ statusCode }) => statusCode)).toEqual([...allowed(PER_ADDRESS / 2, 200), 429]);
    expect(replies.at(-1)?.json().code).toBe('rate_limited');
    expect(Number(replies.at(-1)?.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('count an API key by itself from its second request on', async () => {
    const { token } = await app.register();
    const makeKey = async () =>
      (await app.request('POST', '/v1/api-keys', { token, body: { name: 'Key' } })).body.key as string;
    const [busy, idle] = [await makeKey(), await makeKey()];
    const statuses = await statusesOf(PER_USER + 2, '/v1/projects', '10.0.6.1', {
      authorization: `Bearer ${busy}`,
    });
    expect(statuses).toEqual([...allowed(PER_USER + 1, 200), 429]);
    expect(await statusesOf(2, '/v1/projects', '10.0.6.1', { authorization: `Bearer ${idle}` })).toEqual([
      200, 200,
    ]);
    expect(await statusesOf(PER_ADDRESS - 2, '/v1/projects', '10.0.6.1')).toEqual(
      allowed(PER_ADDRESS - 2, 401),
    );
    expect(await statusesOf(1, '/v1/projects', '10.0.6.1')).toEqual([429]);
  });

  it('count guessed API keys by the address they come from', async () => {
    const statuses: number[] = [];
    for (let sent = 0; sent < PER_ADDRESS + 2; sent += 1) {
      const authorization = `Bearer bb_sk_${String(sent).padStart(43, 'A')}`;
      statuses.push(...(await statusesOf(1, '/v1/projects', '10.0.7.1', { authorization })));
    }
    expect(statuses).toEqual([...allowed(PER_ADDRESS, 401), 429, 429]);
  });

  it('are tighter where a secret is compared, and a token does not help', async () => {
    const { token } = await app.register();
    const statuses: number[] = [];
    for (let sent = 0; sent < 6; sent += 1) {
      const reply = await app.server.inject({
        method: 'POST',
        url: sent % 2 === 0 ? '/v1/auth/login' : '/%761/auth/%6cogin',
        remoteAddress: '10.0.5.1',
        headers: { authorization: `Bearer ${token}` },
        payload: { email: 'nobody@example.com', password: 'a wrong password' },
      });
      statuses.push(reply.statusCode);
    }
    const rest = statuses.slice(statuses.indexOf(429));
    expect(statuses.indexOf(429)).toBe(PER_ADDRESS / 5);
    expect(rest).toEqual(allowed(rest.length, 429));
  });
});
