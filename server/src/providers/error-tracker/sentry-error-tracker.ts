import { hostname } from 'node:os';
import { AppError } from '#kernel/app-error.js';
import { ModelError } from '#kernel/model-error.js';
import { SourceError } from '#kernel/source-error.js';
import { expectedError } from '#platform/http/expected-error.js';
import type { ErrorTracker } from '#platform/ports/error-tracker.js';
import { errorEvent } from './error-event.js';

const SEND_TIMEOUT_MS = 5_000;
/** A fault that hits every request is told of often enough by these. */
const MAX_EVENTS = 60;
const WINDOW_MS = 60_000;

/**
 * Sends unexpected errors to Sentry, or to whatever takes its envelopes. Its client is loaded only where a DSN is
 * configured, and without any of its instrumentation: it sees what it is told and nothing else.
 * @param options.dsn null: nothing is loaded or sent
 */
export async function startSentryErrorTracker(options: {
  dsn: string | null;
  release: string;
  environment: string;
  role: string;
}): Promise<ErrorTracker> {
  const { dsn, release, environment, role } = options;
  if (dsn === null) return { report: () => {}, stop: () => Promise.resolve() };
  const [{ Scope, createTransport }, { ServerRuntimeClient }] = await Promise.all([
    import('@sentry/core'),
    import('@sentry/core/server'),
  ]);
  const client = new ServerRuntimeClient({
    dsn,
    release,
    environment,
    platform: 'node',
    runtime: { name: 'node', version: process.version },
    serverName: hostname(),
    integrations: [],
    stackParser: () => [],
    // Without it the client adds an integration for spans, which are OpenTelemetry's here.
    traceLifecycle: 'static',
    sendClientReports: false,
    transport: (transportOptions) =>
      createTransport(transportOptions, async ({ body }) => {
        const response = await fetch(transportOptions.url, {
          method: 'POST',
          headers: transportOptions.headers ?? {},
          body,
          signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
        });
        await response.body?.cancel();
        return {
          statusCode: response.status,
          headers: {
            'x-sentry-rate-limits': response.headers.get('x-sentry-rate-limits'),
            'retry-after': response.headers.get('retry-after'),
          },
        };
      }),
  });
  client.init();
  const isWithinBudget = createBudget();
  return {
    report: (error, origin) => {
      if (isExpected(error) || !isWithinBudget()) return;
      const event = errorEvent(error, origin);
      // A scope of its own: those of the client would be shared by everybody in this process.
      client.captureEvent({ ...event, tags: { ...event.tags, role } }, undefined, new Scope());
    },
    stop: async (timeoutMs) => void (await client.close(timeoutMs)),
  };
}

/** The failures that have a name here: a dependency that is away, a source or a model that does not do. */
function isExpected(error: unknown): boolean {
  const known = expectedError(error);
  return known instanceof AppError || known instanceof ModelError || known instanceof SourceError;
}

function createBudget(): () => boolean {
  let startedAt = performance.now();
  let count = 0;
  return () => {
    const now = performance.now();
    if (now - startedAt >= WINDOW_MS) {
      startedAt = now;
      count = 0;
    }
    count += 1;
    return count <= MAX_EVENTS;
  };
}
