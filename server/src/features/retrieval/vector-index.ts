import { sha256Hex } from '#kernel/hash.js';

/** Vectors that can be compared: of one model, and of one size. */
export interface VectorModel {
  model: string;
  dimensions: number;
}

/** How an index holds vectors: as numbers of 16 bits, or as their signs alone. */
export type VectorIndexKind = 'halfvec' | 'bit';

export interface VectorIndex {
  name: string;
  kind: VectorIndexKind;
}

/** From which sizes on an index is worth its while: measured by bench/tenants.mjs, told in ADR 21. */
export interface VectorIndexLimits {
  /** Chunks that a search has to look at, from which on it goes by the index. */
  leastChunks: number;
  /**
   * Vectors that a search by the index passes by at most, since they are of others or the filter keeps them out: then
   * it looks at all that can match.
   */
  mostPassed: number;
  /** Chunks of the largest project with vectors of a model, from which on that has an index; below half it has none. */
  leastIndexed: number;
  /** Vectors in the embedded database, from which on it has none built: it answers nobody meanwhile. */
  mostIndexedEmbedded: number;
}

/** What a search asks of them. */
export type SearchLimits = Pick<VectorIndexLimits, 'leastChunks' | 'mostPassed'>;

export const VECTOR_INDEX_LIMITS: VectorIndexLimits = {
  leastChunks: 10_000,
  mostPassed: 20_000,
  leastIndexed: 10_000,
  mostIndexedEmbedded: 40_000,
};

/** What pgvector can hold in an HNSW index. */
const MAX_DIMENSIONS: Record<VectorIndexKind, number> = { halfvec: 4_000, bit: 64_000 };
/** With a name of its own for each definition: what is there under another name is dropped. */
export const VECTOR_INDEX_PREFIX = 'embeddings_hnsw_';
const HASH_LENGTH = 16;
/** Looking at a vector by way of the index costs as much as looking at so many of them in a row. */
const INDEX_COST = 2;

/** The index of a model's vectors of all projects; its name tells nothing but that. Null: they are too large for one. */
export function vectorIndexOf(model: VectorModel, kind: VectorIndexKind): VectorIndex | null {
  if (model.dimensions > MAX_DIMENSIONS[kind]) return null;
  const hash = sha256Hex(JSON.stringify([model.model, model.dimensions])).slice(0, HASH_LENGTH);
  return { name: `${VECTOR_INDEX_PREFIX}${kind}_${hash}`, kind };
}

/**
 * Whether the index is quicker than to look at all that can match. It holds the vectors of other projects too: the
 * fewer of them match, the more have to be passed by until enough do.
 * @param size.matching chunks of the project that the filter lets through
 * @param size.indexed vectors in the index
 * @param size.wanted of them, nearest first
 */
export function isIndexQuicker(
  size: { matching: number; indexed: number; wanted: number },
  { leastChunks }: Pick<VectorIndexLimits, 'leastChunks'>,
): boolean {
  const { matching, indexed, wanted } = size;
  if (matching < leastChunks || indexed <= 0) return false;
  const passed = wanted * Math.max(1, indexed / matching);
  return passed * INDEX_COST < matching;
}
