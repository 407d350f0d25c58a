import {
  type LogFn,
  type LoggerOptions as PinoOptions,
  type Logger as PinoLogger,
  pino,
  stdTimeFunctions,
} from 'pino';
import type { ErrorTracker } from './ports/error-tracker.js';
import { currentTraceId } from './tracing.js';

export type Logger = PinoLogger;

export interface LoggerOptions {
  /** Unset: standard output. */
  write?: (line: string) => void;
  /** Hears of every error that is logged at level `error`. */
  onError?: ErrorTracker['report'];
}

const REDACTED_PATHS = [
  'authorization',
  'password',
  'token',
  'accessToken',
  'refreshToken',
  'apiKey',
  'secret',
].flatMap((name) => [name, `*.${name}`]);

/** One JSON object per line; those of a request, and of the jobs that it wanted, share its `traceId`. */
export function createLogger(level: string, { write, onError }: LoggerOptions = {}): Logger {
  const options: PinoOptions = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    mixin: () => {
      const traceId = currentTraceId();
      return traceId === null ? {} : { traceId };
    },
    redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    serializers: { err: describeError },
    ...(onError === undefined ? {} : { hooks: { logMethod: tellOfErrors(onError) } }),
  };
  return write === undefined ? pino(options) : pino(options, { write });
}

const ERROR_LEVEL = 50;

/** Of a line no more goes on than its error, its constant sentence, and fields that are ours. */
function tellOfErrors(onError: ErrorTracker['report']) {
  return function tell(this: Logger, line: Parameters<LogFn>, write: LogFn, level: number): void {
    const [fields, what] = line as unknown[];
    if (level >= ERROR_LEVEL && typeof fields === 'object' && fields !== null && 'err' in fields) {
      const { err, requestId, route, type, task } = fields as Record<string, unknown>;
      onError(err, {
        what: String(what),
        ...(typeof requestId === 'string' ? { requestId } : {}),
        ...(typeof route === 'string' ? { route } : {}),
        ...(typeof type === 'string' ? { jobType: type } : {}),
        ...(typeof task === 'string' ? { task } : {}),
      });
    }
    write.apply(this, line);
  };
}

export interface ErrorDescription {
  name: string;
  message?: string;
  code?: string;
  query?: string;
  stack: string[];
  cause?: ErrorDescription;
}

const MAX_CAUSES = 5;

/**
 * An error for the log. Messages that may carry a user's text are left out: those of failed queries (their
 * parameters), of PostgreSQL's row details, and of JSON that could not be parsed.
 */
export function describeError(error: unknown, depth = 0): ErrorDescription {
  if (!(error instanceof Error)) return { name: typeof error, stack: [] };
  const description: ErrorDescription = { name: error.name, stack: framesOf(error) };
  if ('query' in error && typeof error.query === 'string') description.query = error.query;
  else if (!(error instanceof SyntaxError)) description.message = error.message;
  if ('code' in error && typeof error.code === 'string') description.code = error.code;
  if (error.cause !== undefined && depth < MAX_CAUSES)
    description.cause = describeError(error.cause, depth + 1);
  return description;
}

function framesOf(error: Error): string[] {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim());
}
