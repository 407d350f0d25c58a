import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from './create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from './fakes/fake-openai.js';
import { createTokenGate } from './fakes/token-gate.js';
import { bearer } from './tenants.js';
import { eventsOf, nextOf } from './two-servers.js';

const PASSWORD = 'correct horse battery';
const HANDBOOK = '# Warranty\n\nThe hand grinder H2 has a warranty of two years.';
const QUESTION = 'How long is the warranty of the hand grinder H2?';
const REPLY = 'The hand grinder H2 has a warranty of two years and more.';
/** Enough for the first words to be shown. */
const FIRST_TOKENS = 4;

let app: TestApp;
let fake: FakeOpenAI;
let address: string;
beforeAll(async () => {
  fake = await startFakeOpenAI({ dimensions: 64 });
  app = await createTestApp({
    environment: {
      OPENAI_BASE_URL: fake.baseUrl,
      OPENAI_API_KEY: 'test-key',
      OPENAI_EMBEDDING_DIMENSIONS: '64',
    },
  });
  address = await app.server.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(async () => {
  await app.close();
  await fake.close();
});

/** An account with one credential of each kind, and an answer to a visitor of its project that is being written. */
async function createCredentials() {
  const account = await app.register();
  const { token } = account;
  const projectId = await app.createProject(token, { isPublic: true });
  await app.addSource(token, projectId, { type: 'text', name: 'Handbook', text: HANDBOOK });
  const makeKey = async (body: object) =>
    (await app.request('POST', '/v1/api-keys', { token, body: { name: 'Key', ...body } })).body;
  const keys = [await makeKey({}), await makeKey({ projectId })] as { id: string; key: string }[];
  const gate = createTokenGate();
  fake.set({ mode: 'normal', tokenGate: gate, reply: () => REPLY });
  const chat = `/v1/projects/${projectId}/chat`;
  const asked = await fetch(address + chat, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: QUESTION, stream: true }),
  });
  const events = eventsOf(asked);
  const { messageId, conversationId, conversationToken } = (await nextOf(events)).data;
  gate.release(FIRST_TOKENS);
  const { id } = await nextOf(events);

  const resume = async (headers: Record<string, string>) => {
    const path = `${address}${chat}/${messageId}/stream`;
    const reply = await fetch(path, { headers: { ...headers, 'last-event-id': String(id) } });
    await reply.body?.cancel();
    return reply.status;
  };
  /** A reader of the answer while it is written. @returns how that ends for it: `done`, or the status of the problem */
  const follow = async (headers: Record<string, string>) => {
    const following = eventsOf(await fetch(`${address}${chat}/${messageId}/stream`, { headers }));
    const started = await nextOf(following);
    return async () => {
      let last = started;
      for await (const event of following) last = event;
      return last.name === 'error' ? last.data.status : last.name;
    };
  };
  const read = async (headers: Record<string, string>) => {
    const path = `/v1/projects/${projectId}/conversations/${conversationId}/messages`;
    return (await app.request('GET', path, { headers })).status;
  };
  let { refreshToken } = account;
  const refresh = async () => {
    const reply = await app.request('POST', '/v1/auth/refresh', { body: { refreshToken } });
    refreshToken = reply.body.refreshToken ?? refreshToken;
    return reply.status;
  };
  const headersOf = {
    'access token': bearer(token),
    'API key': bearer(keys[0]?.key ?? ''),
    'API key of the project': bearer(keys[1]?.key ?? ''),
    'conversation token': { 'conversation-token': String(conversationToken) },
  };
  return {
    ...account,
    projectId,
    keys,
    /** What each credential gets: to read the conversation, and to resume the answer. */
    statuses: async () => {
      const statuses: Record<string, number[]> = { 'refresh token': [await refresh()] };
      for (const [kind, headers] of Object.entries(headersOf)) {
        statuses[kind] = [await read(headers), await resume(headers)];
      }
      return statuses;
    },
    follow: async () => {
      const endings: Record<string, () => Promise<number | string>> = {};
      for (const [kind, headers] of Object.entries(headersOf)) endings[kind] = await follow(headers);
      return endings;
    },
    currentRefreshToken: () => refreshToken,
    finishAnswer: () => gate.open(),
    end: async () => {
      await events.return(undefined);
    },
  };
}

type Credentials = Awaited<ReturnType<typeof createCredentials>>;

const run = (query: ReturnType<typeof sql>) => app.ctx.db.execute(query);
const logOut = (account: Credentials) =>
  app.request('POST', '/v1/auth/logout', { body: { refreshToken: account.currentRefreshToken() } });

/** What happens, and what every credential is worth then. */
const ENDS: [string, (account: Credentials) => Promise<unknown>, Record<string, number>][] = [
  ['nothing', async () => undefined, {}],
  ['logout', logOut, { 'access token': 401, 'refresh token': 401 }],
  [
    'session revoked',
    ({ userId }) => run(sql`update sessions set revoked_at = now() where user_id = ${userId}`),
    { 'access token': 401, 'refresh token': 401 },
  ],
  // Visitors talk to the project, which belongs to its other members too.
  [
    'user suspended',
    ({ userId }) => run(sql`update users set suspended_at = now() where id = ${userId}`),
    { 'access token': 401, 'refresh token': 401, 'API key': 401, 'API key of the project': 401 },
  ],
  [
    'user deleted, and the project with it',
    ({ userId }) => run(sql`delete from users where id = ${userId}`),
    {
      'access token': 401,
      'refresh token': 401,
      'API key': 401,
      'API key of the project': 401,
      'conversation token': 404,
    },
  ],
  [
    'project deleted',
    ({ token, projectId }) => app.request('DELETE', `/v1/projects/${projectId}`, { token }),
    { 'access token': 404, 'API key': 404, 'API key of the project': 401, 'conversation token': 404 },
  ],
  [
    'project made private',
    ({ token, projectId }) =>
      app.request('PATCH', `/v1/projects/${projectId}`, { token, body: { isPublic: false } }),
    { 'conversation token': 404 },
  ],
  [
    'removed from the project',
    ({ projectId }) => run(sql`delete from project_members where project_id = ${projectId}`),
    { 'access token': 404, 'API key': 404, 'API key of the project': 404 },
  ],
  [
    'keys revoked',
    async ({ token, keys }) => {
      for (const { id } of keys) await app.request('DELETE', `/v1/api-keys/${id}`, { token });
    },
    { 'API key': 401, 'API key of the project': 401 },
  ],
];

const KINDS = ['access token', 'API key', 'API key of the project', 'conversation token'];

/** @param ended the statuses of what is dead; all else lives */
function expectedStatuses(ended: Record<string, number>): Record<string, number[]> {
  const of = (kind: string) => ended[kind] ?? 200;
  const twice = KINDS.map((kind) => [kind, [of(kind), of(kind)]] as const);
  return Object.fromEntries([['refresh token', [of('refresh token')]], ...twice]);
}

describe('credentials, also for an answer that is being written', () => {
  it.each(ENDS)('after %s', async (_what, end, ended) => {
    const credentials = await createCredentials();
    expect(await credentials.statuses()).toEqual(expectedStatuses({}));
    const endings = await credentials.follow();
    await end(credentials);
    expect(await credentials.statuses()).toEqual(expectedStatuses(ended));
    for (const kind of KINDS.filter((of) => of in ended)) {
      expect([kind, await endings[kind]?.()]).toEqual([kind, ended[kind]]);
    }
    credentials.finishAnswer();
    for (const kind of KINDS.filter((of) => !(of in ended))) {
      expect([kind, await endings[kind]?.()]).toEqual([kind, 'done']);
    }
    await credentials.end();
  });
});

describe('a suspended account', () => {
  it('learns of it by the right password alone, and lives again when it is over', async () => {
    const { email, userId, token, refreshToken } = await app.register();
    const login = async (password: string) => {
      const { status, body } = await app.request('POST', '/v1/auth/login', { body: { email, password } });
      return [status, body.code];
    };
    await run(sql`update users set suspended_at = now() where id = ${userId}`);
    expect(await login(PASSWORD)).toEqual([403, 'forbidden']);
    expect(await login('a wrong password')).toEqual([401, 'invalid_credentials']);
    const refused = await app.request('POST', '/v1/auth/refresh', { body: { refreshToken } });
    expect([refused.status, refused.body.code]).toEqual([401, 'unauthenticated']);
    await run(sql`update users set suspended_at = null where id = ${userId}`);
    expect(await login(PASSWORD)).toEqual([200, undefined]);
    expect((await app.request('GET', '/v1/auth/me', { token })).status).toBe(200);
    const refreshed = await app.request('POST', '/v1/auth/refresh', { body: { refreshToken } });
    expect(refreshed.status).toBe(200);
  });
});
