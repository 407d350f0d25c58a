/** Why a source or one of its pages could not be indexed. Stored with the source and shown to its owner. */
export type SourceErrorReason =
  | 'unsupported_type'
  | 'malformed_file'
  | 'encrypted'
  | 'empty'
  | 'too_large'
  | 'timeout'
  | 'parser_crashed'
  | 'parser_out_of_memory'
  | 'blocked_address'
  | 'invalid_url'
  | 'too_many_redirects'
  | 'redirected'
  | 'robots'
  | 'noindex'
  | 'canonical'
  | 'duplicate_of'
  | 'out_of_scope'
  | 'too_deep'
  | 'page_limit'
  | 'usage_limit'
  | 'soft_404'
  | 'deleted'
  | 'fetch_failed'
  | 'embedding_failed'
  | 'file_missing'
  | 'cancelled'
  | 'worker_lost'
  | 'internal'
  | `http_${number}`;

/**
 * A source cannot be indexed, for a reason its owner can be told.
 * `retryable`: the same work may succeed later (a server that was down); otherwise it fails at once.
 */
export class SourceError extends Error {
  readonly reason: SourceErrorReason;
  readonly retryable: boolean;
  /** How long the other side asked us to wait before the next try. */
  readonly retryAfterMs: number | null;

  constructor(
    reason: SourceErrorReason,
    message: string,
    options: { cause?: unknown; retryable?: boolean; retryAfterMs?: number | null } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'SourceError';
    this.reason = reason;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}
