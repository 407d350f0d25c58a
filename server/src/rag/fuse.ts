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

/** What was found for one wording of a question. */
export interface QueryHits extends Omit<FusionInput, 'alpha' | 'limit' | 'depth'> {
  /** How much this wording says about the question, 0 to 1: the question itself has 1. */
  weight: number;
  /**
   * Found for the part of it that passages should be about in particular: scores are the mean of those of both, the
   * geometric one where that part is needed, so that who has nothing of it has no score.
   */
  focus?: (Pick<FusionInput, 'lexical' | 'idfSum'> & { isNeeded: boolean }) | undefined;
}

export interface QueriesFusion {
  method: 'convex' | 'rrf';
  alpha: number;
  limit: number;
  minScore: number;
  depth?: number;
}

/** Of reciprocal rank fusion, as Cormack, Clarke and Buettcher (SIGIR 2009) have it. */
const RRF_K = 60;

/**
 * One ranking of what several wordings of a question found: each passage has the best of its weighted convex scores.
 * By `rrf` the legs' ranks decide the order, and the scores are dealt out anew along it: so they stay comparable with
 * thresholds, and whoever sorts by score has the order.
 */
export function fuseQueries(
  queries: readonly QueryHits[],
  { method, alpha, limit, minScore, depth = DEFAULT_DEPTH }: QueriesFusion,
): FusedHit[] {
  const hits = new Map<string, FusedHit>();
  for (const query of queries) {
    for (const hit of fuseFocused(query, { alpha, depth, limit: Number.POSITIVE_INFINITY })) {
      const known = hits.get(hit.id);
      hits.set(hit.id, {
        id: hit.id,
        score: Math.max(known?.score ?? 0, hit.score * query.weight),
        lexical: higher(known?.lexical ?? null, hit.lexical === null ? null : hit.lexical * query.weight),
        semantic: higher(known?.semantic ?? null, hit.semantic),
      });
    }
  }
  // The last of the dense leg has nothing above its floor and was found all the same.
  const relevant = [...hits.values()].filter(
    ({ score, semantic }) => (score > 0 || semantic !== null) && score >= minScore,
  );
  const ranked = best(relevant, Number.POSITIVE_INFINITY);
  return (method === 'rrf' ? inOrder(ranked, reciprocalRanks(queries)) : ranked).slice(0, limit);
}

/** Hits in another order, with the scores of the places that they get: the best score is still the first. */
export function inOrder(hits: readonly FusedHit[], order: ReadonlyMap<string, number>): FusedHit[] {
  const scores = hits.map(({ score }) => score).toSorted((a, b) => b - a);
  return hits
    .toSorted((a, b) => (order.get(b.id) ?? 0) - (order.get(a.id) ?? 0) || b.score - a.score)
    .map((hit, place) => ({ ...hit, score: scores[place] ?? 0 }));
}

function fuseFocused(
  { lexical, idfSum, dense, focus }: QueryHits,
  options: Pick<FusionInput, 'alpha' | 'depth' | 'limit'>,
): FusedHit[] {
  const whole = fuse({ lexical, idfSum, dense, ...options });
  if (focus === undefined) return whole;
  const { isNeeded, ...part } = focus;
  const mean = (a: number, b: number) => (isNeeded ? Math.sqrt(a * b) : (a + b) / 2);
  const focused = new Map(fuse({ ...part, dense, ...options }).map((hit) => [hit.id, hit]));
  return whole.map((hit) => {
    const inFocus = focused.get(hit.id);
    const lexicalScore = hit.lexical === null ? null : mean(hit.lexical, inFocus?.lexical ?? 0);
    return { ...hit, score: mean(hit.score, inFocus?.score ?? 0), lexical: lexicalScore };
  });
}

function reciprocalRanks(queries: readonly QueryHits[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { lexical, dense, weight } of queries) {
    for (const leg of [lexical, dense ?? []]) {
      for (const [rank, { id }] of leg.entries()) {
        sums.set(id, (sums.get(id) ?? 0) + weight / (RRF_K + rank + 1));
      }
    }
  }
  return sums;
}

function higher(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}

function clip(value: number, highest: number): number {
  return Math.min(Math.max(value, 0), highest);
}

function best(hits: FusedHit[], limit: number): FusedHit[] {
  return hits.toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1)).slice(0, limit);
}
