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
  /** As many texts keep the endpoint busy: more at once is not faster. */
  readonly windowSize: number;
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
  /** The same endpoint with another of its models: for vectors that were made before the model was changed. */
  forModel(model: string, dimensions: number): Embedder;
}
