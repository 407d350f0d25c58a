/** What went wrong at a model endpoint, in the words that callers decide by. */
export type ModelErrorKind = 'rate_limited' | 'unavailable' | 'timeout' | 'rejected' | 'bad_reply' | 'cut';

/**
 * A chat or embedding endpoint failed. `rejected`: the endpoint refuses this request (a wrong key, an unknown
 * model); asking again does not help. `cut`: the stream ended before its end.
 */
export class ModelError extends Error {
  readonly kind: ModelErrorKind;
  readonly retryAfterSeconds: number | null;

  constructor(
    kind: ModelErrorKind,
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'ModelError';
    this.kind = kind;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}
