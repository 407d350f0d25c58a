import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createServer } from '#app/create-server.js';
import { AppError } from '#kernel/app-error.js';
import { ModelError } from '#kernel/model-error.js';
import { SourceError } from '#kernel/source-error.js';
import { createLogger } from '#platform/logger.js';
import type { ErrorTracker } from '#platform/ports/error-tracker.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeTelemetryServer, startFakeTelemetryServer } from '#test/fakes/fake-telemetry-server.js';
import { startSentryErrorTracker } from './sentry-error-tracker.js';

const PROMPT_MS = 5_000;
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

const eventSchema = z.object({
  event_id: z.string(),
  release: z.string(),
  environment: z.string(),
  logger: z.string(),
  transaction: z.string().optional(),
  tags: z.record(z.string(), z.string()),
  contexts: z.object({ trace: z.object({ trace_id: z.string() }).optional() }),
  exception: z.object({
    values: z.array(
      z.object({
        type: z.string(),
        value: z.string(),
        stacktrace: z.object({
          frames: z.array(z.object({ filename: z.string(), lineno: z.number(), in_app: z.boolean() })),
        }),
      }),
    ),
  }),
});

let sentry: FakeTelemetryServer;
let tracker: ErrorTracker;

beforeEach(async () => {
  sentry = await startFakeTelemetryServer();
  tracker = await startSentryErrorTracker({
    dsn: sentry.origin.replace('://', '://publickey@').concat('/42'),
    release: 'botbase@1.2.3',
    environment: 'production',
    role: 'api',
  });
});
afterEach(() => sentry.close());

/** The events of all envelopes: a line for the envelope, then for each item a header and its payload. */
async function sentEvents(): Promise<z.infer<typeof eventSchema>[]> {
  await tracker.stop(PROMPT_MS);
  return sentry.posts.map(({ body }) => {
    const [, item, payload] = body.split('\n');
    expect(JSON.parse(item ?? '')).toMatchObject({ type: 'event' });
    return eventSchema.parse(JSON.parse(payload ?? ''));
  });
}

describe('an unexpected error of a request', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await createTestApp();
  });
  afterAll(() => app.close());

  it('is sent with its route, ids and stack, and nothing that anybody said', async () => {
    const log = createLogger('info', { write: () => {}, onError: tracker.report });
    const failing = (mail: string) => {
      throw new Error(`no such thing: ${mail}`, { cause: new TypeError('canary-cause') });
    };
    const passwords = { ...app.ctx.passwords, hash: async (text: string) => failing(text) };
    const server = await createServer({ ...app.ctx, log, passwords });
    const reply = await server.inject({
      method: 'POST',
      url: '/v1/auth/register?canary-query=1',
      headers: {
        'content-type': 'application/json',
        authorization: 'Bearer canary-token',
        cookie: 'canary-cookie',
        traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01`,
      },
      payload: JSON.stringify({
        email: 'canary-mail@example.com',
        password: 'canary password',
        name: 'Canary',
      }),
    });
    await server.close();
    expect(reply.statusCode).toBe(500);
    const [event, ...others] = await sentEvents();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      release: 'botbase@1.2.3',
      environment: 'production',
      logger: 'request failed',
      transaction: '/v1/auth/register',
      tags: { request_id: reply.headers['x-request-id'], route: '/v1/auth/register', role: 'api' },
      contexts: { trace: { trace_id: TRACE_ID } },
    });
    const [cause, error] = event?.exception.values ?? [];
    expect([cause?.type, error?.type]).toEqual(['TypeError', 'Error']);
    expect(error?.value).toBe('The message is in the log.');
    const frames = error?.stacktrace.frames ?? [];
    expect(frames.at(-1)?.filename).toMatch(/^server\/src\/providers\/error-tracker\//);
    expect(frames.some(({ filename, in_app: isOurs }) => isOurs && filename.includes('register-user'))).toBe(
      true,
    );
    const [post] = sentry.posts;
    expect(post?.path).toMatch(/^\/api\/42\/envelope\//);
    expect(post?.body.toLowerCase()).not.toContain('canary');
    expect(post?.body).not.toContain(process.cwd());
  });
});

describe('reporting', () => {
  const origin = { what: 'job attempt failed', jobType: 'ingest-source' };

  it.each([
    new AppError('unavailable', 'away', { cause: new Error('socket') }),
    new ModelError('timeout', 'too slow'),
    new SourceError('encrypted', 'encrypted'),
    Object.assign(new Error('connect'), { syscall: 'connect', code: 'ECONNREFUSED' }),
    new DOMException('left', 'AbortError'),
  ])('passes over what is expected: %s', async (error) => {
    tracker.report(error, origin);
    expect(await sentEvents()).toEqual([]);
  });

  it('keeps what the engine says of code, and the code of an error, and no other message', async () => {
    const statement = Object.assign(new Error('Failed query: select canary'), { query: 'select $1' });
    const row = Object.assign(new Error('invalid input syntax for type uuid: "canary"'), { code: '22P02' });
    for (const error of [
      new TypeError("Cannot read properties of undefined (reading 'id')"),
      new TypeError('Failed to parse URL from http://canary.example'),
      new Error(statement.message, { cause: row }),
      new Error('a\n    at canary (/etc/canary.js:1:1)'),
    ]) {
      tracker.report(error, origin);
    }
    const events = await sentEvents();
    expect(events.map(({ exception }) => exception.values.map(({ value }) => value))).toEqual([
      ["Cannot read properties of undefined (reading 'id')"],
      ['The message is in the log.'],
      ['22P02', 'The message is in the log.'],
      ['The message is in the log.'],
    ]);
    expect(events[0]).toMatchObject({ transaction: 'ingest-source', tags: { job_type: 'ingest-source' } });
    expect(sentry.posts.map(({ body }) => body).join('')).not.toContain('canary');
  });

  it('comes from every line of level error that has an error, and from no other', async () => {
    const log = createLogger('debug', { write: () => {}, onError: tracker.report });
    log.error(
      { err: new Error('bug'), task: 'delete-old-jobs', secret: 'canary' },
      'a scheduled task failed',
    );
    log.warn({ err: new Error('bug') }, 'not so bad');
    log.error({ folder: 'x' }, 'no error');
    const events = await sentEvents();
    expect(events.map(({ logger, tags }) => [logger, tags])).toEqual([
      ['a scheduled task failed', { task: 'delete-old-jobs', role: 'api' }],
    ]);
  });

  it('stops at sixty a minute', async () => {
    for (let count = 0; count < 70; count += 1) tracker.report(new Error('bug'), origin);
    expect(await sentEvents()).toHaveLength(60);
  });

  it('does not wait for a server that hangs, nor fail without one', async () => {
    sentry.hang();
    tracker.report(new Error('bug'), origin);
    await expect.poll(() => sentry.posts.length).toBe(1);
    await tracker.stop(1);
    await sentry.close();
    expect(() => tracker.report(new Error('bug'), origin)).not.toThrow();
    sentry = await startFakeTelemetryServer();
  });
});
