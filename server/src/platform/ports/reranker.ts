import type { ModelEndpoint } from './model-endpoint.js';

export interface Reranked {
  /** Best first: places of the documents as they were given, each at most once, and their relevance. */
  results: { index: number; relevance: number }[];
  /** As the endpoint counted them, 0 where it does not. */
  tokens: number;
}

/** Says which documents answer a query best, better and slower than a search does. */
export interface Reranker {
  readonly model: string;
  readonly endpoint: ModelEndpoint;
  /** @throws ModelError; the signal's reason when that fires */
  rerank(query: string, documents: readonly string[], signal: AbortSignal): Promise<Reranked>;
}
