/** `open`: calls fail at once; `half_open`: one call is let through to see whether the endpoint is back. */
export type CircuitState = 'closed' | 'open' | 'half_open';

/** An endpoint of somebody else's that we depend on, as `/health` and `/metrics` show it. */
export interface ModelEndpoint {
  /** What it is for: `chat`, `embeddings` or `rerank`. */
  readonly name: string;
  circuit(): CircuitState;
}
