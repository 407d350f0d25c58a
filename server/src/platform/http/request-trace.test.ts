import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';
import { jobs } from '#db/schema/jobs.js';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`;
const REFUNDS = 'A refund takes five working days. It goes to the card that was used.';

let app: TestApp;
let models: FakeOpenAI;
let token: string;
let projectId: string;

beforeAll(async () => {
  models = await startFakeOpenAI();
  app = await createTestApp({
    environment: {
      OPENAI_BASE_URL: models.baseUrl,
      OPENAI_API_KEY: 'key',
      OPENAI_EMBEDDING_DIMENSIONS: '64',
      CRAWLER_ALLOW_PRIVATE_NETWORKS: 'true',
    },
  });
  await app.server.listen({ port: 0, host: '127.0.0.1' });
  ({ token } = await app.register());
  projectId = await app.createProject(token);
});
afterAll(async () => {
  await app.close();
  await models.close();
});

interface Line {
  msg: string;
  traceId?: string;
  [field: string]: unknown;
}

/** What is logged while `act` runs. */
async function linesOf(act: () => Promise<unknown>): Promise<Line[]> {
  app.logLines.length = 0;
  await act();
  return app.logLines.map((line): Line => JSON.parse(line));
}

/** A request over a connection, whose body is still to come. */
function postOverSocket(path: string, headers: Record<string, string> = {}): ClientRequest {
  const { port } = app.server.server.address() as AddressInfo;
  return httpRequest({
    port,
    method: 'POST',
    path: `/v1/projects/${projectId}/${path}`,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
  });
}

const sourcesPath = () => `/v1/projects/${projectId}/sources`;

describe('the trace of a request', () => {
  it('is the one that its traceparent names: in its log line, also after a body, and at the models', async () => {
    await app.addSource(token, projectId, { type: 'text', name: 'Refunds', text: REFUNDS });
    const before = models.requests.length;
    const lines = await linesOf(() =>
      app.request('POST', `/v1/projects/${projectId}/chat`, {
        token,
        body: { message: 'How long does a refund take?' },
        headers: { traceparent: TRACEPARENT, tracestate: 'vendor=value' },
      }),
    );
    expect(lines.map(({ msg, traceId }) => [msg, traceId])).toEqual([['request', TRACE_ID]]);
    const calls = models.requests.slice(before);
    expect(calls.map(({ path }) => path)).toEqual(['/v1/embeddings', '/v1/chat/completions']);
    for (const { headers } of calls) {
      expect(headers['traceparent']).toBe(TRACEPARENT);
      expect(headers['tracestate']).toBe('vendor=value');
    }
  });

  it('holds when the body comes later than the head', async () => {
    const before = models.requests.length;
    const headReceived = once(app.server.server, 'request');
    const client = postOverSocket('search', { traceparent: TRACEPARENT, 'transfer-encoding': 'chunked' });
    client.flushHeaders();
    await headReceived;
    client.end(JSON.stringify({ query: 'five working days' }));
    const [response] = (await once(client, 'response')) as [IncomingMessage];
    await text(response);
    expect(response.statusCode).toBe(200);
    expect(models.requests[before]?.headers['traceparent']).toBe(TRACEPARENT);
  });

  it.each([
    ['none', {}],
    ['one that is malformed', { traceparent: '00-00000000000000000000000000000000-00f067aa0ba902b7-01' }],
  ])(
    'is a new one where %s came, not sampled, and its own',
    async (what, headers: Record<string, string>) => {
      const traceIds: unknown[] = [];
      for (let time = 0; time < 2; time += 1) {
        const before = models.requests.length;
        const [line] = await linesOf(() =>
          app.request('POST', `/v1/projects/${projectId}/search`, {
            token,
            body: { query: `refund ${what} ${time}` },
            headers,
          }),
        );
        expect(line?.traceId).toMatch(/^[0-9a-f]{32}$/);
        expect(models.requests[before]?.headers['traceparent']).toMatch(
          new RegExp(`^00-${line?.traceId}-[0-9a-f]{16}-00$`),
        );
        traceIds.push(line?.traceId);
      }
      expect(traceIds[0]).not.toBe(traceIds[1]);
    },
  );

  it('is that of an error too', async () => {
    const { passwords } = app.ctx;
    app.ctx.passwords = { ...passwords, hash: () => Promise.reject(new TypeError('broken')) };
    const lines = await linesOf(() =>
      app.request('POST', '/v1/auth/register', {
        headers: { traceparent: TRACEPARENT },
        body: { email: 'eve@example.com', password: 'correct horse battery', name: 'Eve' },
      }),
    );
    app.ctx.passwords = passwords;
    expect(lines.map(({ level, msg, traceId, route }) => [level, msg, traceId, route])).toEqual([
      ['error', 'request failed', TRACE_ID, '/v1/auth/register'],
      ['info', 'request', TRACE_ID, '/v1/auth/register'],
    ]);
  });

  it('goes on in the jobs that it wanted, and to no page that they fetch', async () => {
    const pageHeaders: (string | undefined)[] = [];
    const site = createServer((request, response) => {
      pageHeaders.push(request.headers['traceparent'] as string | undefined);
      response.setHeader('content-type', 'text/html');
      response.end(`<html><body><main><p>${REFUNDS}</p></main></body></html>`);
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
    const { body } = await app.request('POST', sourcesPath(), {
      token,
      body: { type: 'url', url },
      headers: { traceparent: TRACEPARENT },
    });
    const before = models.requests.length;
    const lines = await linesOf(app.runJobs);
    await new Promise((resolve) => site.close(resolve));

    const rows = await app.ctx.db
      .select({ traceparent: jobs.traceparent })
      .from(jobs)
      .where(eq(jobs.traceparent, TRACEPARENT));
    expect(rows.length).toBeGreaterThan(0);
    const attempts = lines.filter(({ msg }) => msg === 'job attempt ended');
    expect(attempts.length).toBeGreaterThan(0);
    expect(new Set(attempts.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]));
    const calls = models.requests.slice(before);
    expect(calls.length).toBeGreaterThan(0);
    expect(new Set(calls.map(({ headers }) => headers['traceparent']))).toEqual(new Set([TRACEPARENT]));
    expect(pageHeaders.length).toBeGreaterThan(0);
    expect(new Set(pageHeaders)).toEqual(new Set([undefined]));
    expect((await app.request('GET', `${sourcesPath()}/${body.id}`, { token })).body.status).toBe('ready');
  });
});

describe('a client that leaves before its answer ends', () => {
  it('leaves a line and an observation', async () => {
    models.set({ mode: 'hang_before_first_token' });
    const asked = models.requests.length;
    const lines = await linesOf(async () => {
      const client = postOverSocket('chat', { traceparent: TRACEPARENT });
      client.on('error', () => {});
      client.end(JSON.stringify({ message: 'Which card does a refund go to?' }));
      // The embedding of the question, and the chat.
      await models.whenRequested(asked + 2);
      client.destroy();
      await models.whenAborted(1);
      await expect.poll(() => app.logLines.some((line) => line.includes('"aborted":true'))).toBe(true);
    });
    models.set({ mode: 'normal' });
    const line = lines.find(({ msg }) => msg === 'request');
    expect(line).toMatchObject({
      status: 499,
      aborted: true,
      route: '/v1/projects/:projectId/chat',
      traceId: TRACE_ID,
    });
    const { body } = await app.request('GET', '/metrics');
    expect(body).toMatch(/_count\{method="POST",route="\/v1\/projects\/:projectId\/chat",status="499"\} 1/);
    expect(body).toContain('botbase_http_requests_in_progress{route="/v1/projects/:projectId/chat"} 0');
  });
});
