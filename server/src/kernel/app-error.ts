/**
 * The failures that a caller can be told about. Codes are part of the API and never change;
 * the HTTP status of each is known to the error handler alone.
 */
export type AppErrorCode =
  | 'malformed'
  | 'validation_failed'
  | 'unauthenticated'
  | 'invalid_credentials'
  | 'token_expired'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'conflict'
  | 'payload_too_large'
  | 'unsupported_media_type'
  | 'unusable_content'
  | 'idempotency_key_reused'
  | 'rate_limited'
  | 'usage_limit_exceeded'
  | 'not_configured'
  | 'unavailable';

export interface FieldError {
  /** Where in the input, in dots: `crawl.maxPages`. */
  path: string;
  message: string;
}

/** A limit that is reached, for programs. */
export interface UsageLimit {
  what: 'messagesMini' | 'messagesPremium' | 'indexedPages' | 'chatbots' | 'spendingCap';
  used: number;
  limit: number;
  /** ISO 8601; null: it does not reset by itself. */
  resetsAt: string | null;
}

interface AppErrorOptions {
  cause?: unknown;
  errors?: FieldError[];
  retryAfterSeconds?: number;
  usage?: UsageLimit;
  fallbackMessage?: string;
}

/** An expected failure. `detail` is read by people: it says what happened and what to do. */
export class AppError extends Error {
  readonly code: AppErrorCode;
  readonly errors: FieldError[];
  readonly retryAfterSeconds: number | null;
  readonly usage: UsageLimit | null;
  /** What a chat window shows in place of the failure. */
  readonly fallbackMessage: string | null;

  constructor(code: AppErrorCode, detail: string, options: AppErrorOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.errors = options.errors ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
    this.usage = options.usage ?? null;
    this.fallbackMessage = options.fallbackMessage ?? null;
  }
}
