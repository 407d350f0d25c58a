export interface Embedder {
  readonly model: string;
  readonly dimensions: number;
  /** Texts per call at most. */
  readonly batchSize: number;
  /**
   * Embeds texts, in order, into vectors of `dimensions` finite numbers.
   * @throws ModelError, also for vectors of a wrong number, size or with values that are not finite.
   */
  embed(texts: readonly string[], signal: AbortSignal): Promise<{ vectors: Float32Array[]; tokens: number }>;
}
