import type { ModelEndpoint } from './model-endpoint.js';

/**
 * `question`: somebody waits for the answer, so it fails within seconds; `passages`: work in the background, which
 * waits a minute or so for an endpoint that is down.
 */
export type EmbeddingPurpose = 'question' | 'passages';

export interface Embedder {
  readonly model: string;
  readonly dimensions: number;
  /** Texts per call at most. */
  readonly batchSize: number;
  readonly endpoint: ModelEndpoint;
  /**
   * Embeds texts, in order, into vectors of `dimensions` finite numbers.
   * @throws ModelError, also for vectors of a wrong number, size or with values that are not finite.
   */
  embed(
    texts: readonly string[],
    purpose: EmbeddingPurpose,
    signal: AbortSignal,
  ): Promise<{ vectors: Float32Array[]; tokens: number }>;
}
