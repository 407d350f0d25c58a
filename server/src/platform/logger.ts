import { type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';

export type Logger = PinoLogger;

const REDACTED_PATHS = [
  'authorization',
  'password',
  'token',
  'accessToken',
  'refreshToken',
  'apiKey',
  'secret',
].flatMap((name) => [name, `*.${name}`]);

/** One JSON object per line on standard output. */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    serializers: { err: describeError },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

interface ErrorDescription {
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
function describeError(error: unknown, depth = 0): ErrorDescription {
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
