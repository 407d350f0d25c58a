import { ModelError } from '#kernel/model-error.js';

/** Error codes of endpoints are words such as `model_not_found`; anything else could quote the request. */
const CODE_PATTERN = /^[a-z][a-z0-9_.-]{0,63}$/i;
const MAX_CAUSE_DEPTH = 5;

/**
 * Tells an HTTP status of a model endpoint in our words. What the endpoint says in prose is left out: it may
 * quote the prompt or parts of the key.
 * @param headers with names in lower case
 * @param body the parsed JSON of the reply, where there is any
 */
export function errorFromStatus(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): ModelError {
  const retryAfterSeconds = readRetryAfterSeconds(headers);
  const options = retryAfterSeconds === null ? {} : { retryAfterSeconds };
  const code = readErrorCode(body);
  const told = code === null ? `${status}` : `${status}, ${code}`;
  if (status === 429) {
    return new ModelError('rate_limited', `the model endpoint limits our requests (${told})`, options);
  }
  if (status === 408)
    return new ModelError('timeout', `the model endpoint ran out of time (${told})`, options);
  if (status >= 500) return new ModelError('unavailable', `the model endpoint failed (${told})`, options);
  if (status >= 400) return new ModelError('rejected', `the model endpoint refused the request (${told})`);
  return new ModelError('bad_reply', `the model endpoint answered with an unexpected status (${told})`);
}

/** Tells an error object that came inside a reply (`{"error": …}` of a stream that was already running). */
export function errorFromBody(body: unknown): ModelError {
  const status = readField(body, 'code') ?? readField(readField(body, 'error'), 'code');
  if (typeof status === 'number' && status >= 400 && status < 600) return errorFromStatus(status, {}, body);
  const code = readErrorCode(body);
  const told = code === null ? '' : ` (${code})`;
  if (code?.startsWith('rate_limit') === true) {
    return new ModelError('rate_limited', `the model endpoint limits our requests${told}`);
  }
  return new ModelError('unavailable', `the model endpoint failed while it answered${told}`);
}

/** Tells that an endpoint could not be reached: refused, reset, no such name, no route. */
export function errorFromNetwork(error: unknown): ModelError {
  const code = findSystemCode(error);
  const told = code === null ? '' : ` (${code})`;
  return new ModelError('unavailable', `the model endpoint cannot be reached${told}`);
}

/** The code of the system error at the root of an error, such as `ECONNREFUSED`; null where there is none. */
export function findSystemCode(error: unknown): string | null {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSE_DEPTH && current instanceof Error; depth += 1) {
    const code = readField(current, 'code');
    if (typeof code === 'string' && CODE_PATTERN.test(code)) return code;
    current = current.cause;
  }
  return null;
}

/** RFC 9110, section 10.2.3: seconds, or a date, which is taken against the reply's own `Date`. */
function readRetryAfterSeconds(headers: Readonly<Record<string, string>>): number | null {
  const value = headers['retry-after']?.trim();
  if (value === undefined) return null;
  if (/^\d{1,9}(\.\d+)?$/.test(value)) return Math.ceil(Number(value));
  // Date.parse alone takes nearly anything for a date, even `-5`.
  if (!value.endsWith('GMT')) return null;
  const waitMs = Date.parse(value) - Date.parse(headers['date'] ?? '');
  return Number.isNaN(waitMs) ? null : Math.max(0, Math.ceil(waitMs / 1000));
}

function readErrorCode(body: unknown): string | null {
  const error = readField(body, 'error') ?? body;
  const candidates = [readField(error, 'code'), readField(error, 'type')];
  for (const candidate of candidates) {
    if (typeof candidate === 'string' && CODE_PATTERN.test(candidate)) return candidate;
  }
  return null;
}

function readField(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const field: unknown = Reflect.get(value, name);
  return field;
}
