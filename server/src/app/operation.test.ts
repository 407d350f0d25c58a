import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';

let app: TestApp;
let token: string;
let projectId: string;

beforeAll(async () => {
  app = await createTestApp({ environment: { CORS_ORIGINS: 'https://dashboard.example' } });
  ({ token } = await app.register());
  projectId = await app.createProject(token, { isPublic: true, allowedOrigins: ['https://shop.example'] });
});
afterAll(() => app.close());

describe('health', () => {
  it('tells that the process lives and can serve, and how each part is', async () => {
    expect((await app.request('GET', '/health/live')).body).toEqual({ status: 'ok' });
    expect((await app.request('GET', '/health/ready')).body).toEqual({ status: 'ok' });
    const { body } = await app.request('GET', '/health');
    expect(body).toMatchObject({
      status: 'ok',
      parts: { database: { status: 'ok' }, storage: { status: 'ok' } },
    });
  });

  it('is 503 with Retry-After while the database is away', async () => {
    const broken = await createTestApp();
    Object.assign(broken.ctx.db, { execute: () => Promise.reject(new Error('away')) });
    const reply = await broken.request('GET', '/health/ready');
    expect(reply.status).toBe(503);
    expect(reply.headers['retry-after']).toBe('5');
    expect(reply.body.code).toBe('unavailable');
    await broken.close();
  });
});

describe('metrics', () => {
  it('count requests by route pattern, never by path', async () => {
    await app.request('GET', `/v1/projects/${projectId}`, { token });
    const { body } = await app.request('GET', '/metrics');
    expect(body).toMatch(
      /botbase_http_request_duration_seconds_count\{method="GET",route="\/v1\/projects\/:projectId",status="200"\} \d+/,
    );
    expect(body).toContain('botbase_database_query_duration_seconds_count');
    expect(body).not.toContain(projectId);
  });

  it('and the detailed health need the token where one is set', async () => {
    const guarded = await createTestApp({ environment: { METRICS_TOKEN: 'a-token-of-some-length' } });
    for (const path of ['/metrics', '/health']) {
      expect((await guarded.request('GET', path)).status).toBe(401);
      expect((await guarded.request('GET', path, { token: 'another' })).status).toBe(401);
      expect((await guarded.request('GET', path, { token: 'a-token-of-some-length' })).status).toBe(200);
    }
    expect((await guarded.request('GET', '/health/live')).status).toBe(200);
    await guarded.close();
  });

  it('are closed on a server that others can reach, unless a token is set', async () => {
    const open = await createTestApp({ environment: { HOST: '0.0.0.0' } });
    expect((await open.request('GET', '/metrics')).status).toBe(401);
    await open.close();
  });
});

describe('the API reference', () => {
  it('is OpenAPI 3.1 with a schema for every problem and an upload form', async () => {
    const { body } = await app.request('GET', '/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    const upload = body.paths['/v1/projects/{projectId}/sources'].post;
    expect(Object.keys(upload.requestBody.content)).toEqual(['application/json', 'multipart/form-data']);
    expect(Object.keys(upload.responses['4XX'].content)).toEqual(['application/problem+json']);
    expect((await app.request('GET', '/docs')).status).toBe(200);
  });
});

describe('CORS', () => {
  const preflight = (path: string, origin: string) =>
    app.request('OPTIONS', path, { headers: { origin, 'access-control-request-method': 'POST' } });
  const allowed = async (path: string, origin: string) => {
    const { headers } = await preflight(path, origin);
    return [headers['access-control-allow-origin'], headers['access-control-allow-credentials']];
  };

  it('lets the configured origins call everything, with credentials', async () => {
    expect(await allowed('/v1/projects', 'https://dashboard.example')).toEqual([
      'https://dashboard.example',
      'true',
    ]);
  });

  it('lets a project’s origins call what its visitors may, without credentials', async () => {
    const ofVisitors = ['chat', 'chat/1/stop', 'leads', 'conversations/1/messages', 'messages/1/feedback'];
    for (const path of ofVisitors) {
      expect(await allowed(`/v1/projects/${projectId}/${path}`, 'https://shop.example')).toEqual([
        'https://shop.example',
        undefined,
      ]);
    }
    expect(await allowed(`/v1/projects/${projectId}`, 'https://shop.example')).toEqual([
      undefined,
      undefined,
    ]);
  });

  it.each(['https://evil.example', 'null', 'https://shop.example.evil.example', 'http://shop.example'])(
    'lets %s call nothing',
    async (origin) => {
      expect(await allowed(`/v1/projects/${projectId}/chat`, origin)).toEqual([undefined, undefined]);
      expect(await allowed('/v1/projects', origin)).toEqual([undefined, undefined]);
    },
  );
});

describe('the request log', () => {
  it('has one line per request, by route pattern, with actor and project and without what was said', async () => {
    app.logLines.length = 0;
    const message = 'A visitor’s private sentence about marzipan.';
    await app.request('POST', `/v1/projects/${projectId}/chat`, { token, body: { message } });
    const lines = app.logLines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 'info',
      method: 'POST',
      route: '/v1/projects/:projectId/chat',
      status: 200,
      project: projectId,
    });
    expect(lines[0].milliseconds).toBeGreaterThan(0);
    expect(app.logLines.join('')).not.toContain('marzipan');
  });

  it('names an unexpected error with its stack and cause, and no parameters of a statement', async () => {
    app.logLines.length = 0;
    const secret = 'canary-in-a-parameter';
    const failing = Object.assign(new Error(`Failed query: select $1\nparams: ${secret}`), {
      query: 'select $1',
      cause: new Error('the reason'),
    });
    app.ctx.log.error({ err: failing }, 'something failed');
    const line = JSON.parse(app.logLines[0] ?? '');
    expect(line.err).toMatchObject({ query: 'select $1', cause: { message: 'the reason' } });
    expect(line.err.stack[0]).toMatch(/^at /);
    expect(app.logLines.join('')).not.toContain(secret);
  });
});
