import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { AppError, type AppErrorCode, type FieldError } from '#kernel/app-error.js';

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    requestId: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    usage: z
      .object({
        what: z.enum(['messagesMini', 'messagesPremium', 'indexedPages', 'chatbots', 'spendingCap']),
        used: z.number(),
        limit: z.number(),
        resetsAt: z.iso.datetime().nullable(),
      })
      .optional()
      .meta({ description: 'Of `usage_limit_exceeded`, for members: which limit it is.' }),
    fallbackMessage: z
      .string()
      .optional()
      .meta({ description: 'Of `usage_limit_exceeded`, for visitors: what to show in its place.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details. `code` is stable.' });

export type Problem = z.infer<typeof problemSchema>;

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

const STATUS_OF: Record<AppErrorCode, number> = {
  malformed: 400,
  validation_failed: 400,
  unauthenticated: 401,
  invalid_credentials: 401,
  token_expired: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  unusable_content: 422,
  idempotency_key_reused: 422,
  rate_limited: 429,
  usage_limit_exceeded: 429,
  not_configured: 501,
  unavailable: 503,
};

const INTERNAL_DETAIL = 'Something went wrong on our side. It has been logged under the request id.';

/** What the caller is told; anything but an AppError is `internal` and says nothing of its cause. */
export function problemOf(error: unknown, requestId: string): Problem {
  if (!(error instanceof AppError)) return problem(500, 'internal', INTERNAL_DETAIL, requestId, []);
  const { usage, fallbackMessage } = error;
  return {
    ...problem(STATUS_OF[error.code], error.code, error.message, requestId, error.errors),
    ...(usage === null ? {} : { usage }),
    ...(fallbackMessage === null ? {} : { fallbackMessage }),
  };
}

function problem(
  status: number,
  code: string,
  detail: string,
  requestId: string,
  errors: FieldError[],
): Problem {
  const title = STATUS_CODES[status] ?? 'Error';
  const body = { type: 'about:blank', title, status, detail, code, requestId };
  return errors.length > 0 ? { ...body, errors } : body;
}
