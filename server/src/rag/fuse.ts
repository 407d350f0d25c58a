export interface FusionInput {
  /** BM25 scores. */
  lexical: readonly { id: string; score: number }[];
  /** Sum of the idf of the query's words, by which BM25 scores are normalised. */
  idfSum: number;
  /** Cosine similarities, or null when there is no dense leg (no embeddings, or it failed). */
  dense: readonly { id: string; similarity: number }[] | null;
  /** Weight of the dense leg, 0 to 1. */
  alpha?: number;
  limit: number;
  /** How many hits each leg was asked for: a leg that gave fewer gave all it has. */
  depth?: number;
}

export interface FusedHit {
  id: string;
  /** 0 to about 1; comparable between questions. */
  score: number;
  /** BM25 over the sum of idf, 0 to 1.2; null when the lexical leg did not find it. */
  lexical: number | null;
  /** The cosine; null when the dense leg did not find it. */
  semantic: number | null;
}

const DEFAULT_ALPHA = 0.6;
const DEFAULT_DEPTH = 100;
const HIGHEST_LEXICAL = 1.2;
/** With fewer similarities than this, the lowest says nothing about what an unrelated text has. */
const FLOOR_SAMPLE = 10;

/**
 * The convex combination of both legs (Bruch, Gai, Ingber, arXiv 2210.11934): `alpha * dense + (1 - alpha) *
 * lexical`, the dense leg from its lowest cosine (0) to 1. What one leg lacks counts there with that leg's floor.
 */
export function fuse(input: FusionInput): FusedHit[] {
  const { idfSum, dense, limit, alpha = DEFAULT_ALPHA, depth = DEFAULT_DEPTH } = input;
  const lexical = new Map(
    input.lexical.map(({ id, score }) => [id, clip(idfSum > 0 ? score / idfSum : 0, HIGHEST_LEXICAL)]),
  );
  if (dense === null) {
    return best(
      Array.from(lexical, ([id, score]) => ({ id, score, lexical: score, semantic: null })),
      limit,
    );
  }
  const similarities = new Map(dense.map(({ id, similarity }) => [id, similarity]));
  const lexicalFloor = lexical.size < depth ? 0 : Math.min(...lexical.values());
  const lowest = similarities.size === 0 ? 0 : Math.min(...similarities.values());
  const denseFloor = similarities.size < FLOOR_SAMPLE ? Math.min(lowest, 0) : lowest;

  const hits = Array.from(new Set([...lexical.keys(), ...similarities.keys()]), (id) => {
    const lexicalScore = lexical.get(id) ?? null;
    const semantic = similarities.get(id) ?? null;
    const denseScore = semantic === null || denseFloor >= 1 ? 0 : (semantic - denseFloor) / (1 - denseFloor);
    const score = alpha * clip(denseScore, 1) + (1 - alpha) * (lexicalScore ?? lexicalFloor);
    return { id, score, lexical: lexicalScore, semantic };
  });
  return best(hits, limit);
}

function clip(value: number, highest: number): number {
  return Math.min(Math.max(value, 0), highest);
}

function best(hits: FusedHit[], limit: number): FusedHit[] {
  return hits.toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1)).slice(0, limit);
}
