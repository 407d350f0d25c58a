import type { SQL } from 'drizzle-orm';
import type { Context } from '#platform/context.js';
import type { Embedder } from '#platform/ports/embedder.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import {
  type NearestChunk,
  countMatchingChunks,
  findSearchSize,
  listNearestByIndex,
  listNearestChunks,
} from './dense.queries.js';
import { type SearchFilter, matchesFilter } from './search-filter.queries.js';
import {
  type SearchLimits,
  VECTOR_INDEX_LIMITS,
  type VectorIndexKind,
  isIndexQuicker,
  vectorIndexOf,
} from './vector-index.js';

/** How many of an index's candidates are compared by their full vectors for each one that is wanted. */
const CANDIDATES: Record<VectorIndexKind, number> = { halfvec: 1, bit: 4 };
const KINDS: readonly VectorIndexKind[] = ['halfvec', 'bit'];
/** An index finds more of the nearest, and takes longer, the more it keeps in view. */
const EFFORT = { least: 400, most: 1_000 };

/**
 * The chunks whose vectors are nearest to the query's, by cosine: exactly, or in a large project by way of the model's
 * index. Never fewer than asked for while more match.
 * @param input.limit at most this many, nearest first
 * @throws ModelError when the query cannot be embedded
 */
export async function vectorSearch(
  ctx: Pick<Context, 'db'> & { embedder: Embedder },
  scope: ProjectScope,
  input: { query: string; limit: number; filter?: SearchFilter | undefined },
  signal: AbortSignal,
  limits: SearchLimits = VECTOR_INDEX_LIMITS,
): Promise<NearestChunk[]> {
  const { embedder } = ctx;
  const { model, dimensions } = embedder;
  const { limit } = input;
  const filter = matchesFilter(input.filter);
  const { vectors } = await embedder.embed([input.query], 'question', signal);
  const vector = vectors[0];
  if (vector === undefined) return [];
  const search = { model, dimensions, vector, limit, filter };
  const { found, isExact } = await readInProject(ctx, scope, async (tx) => {
    const kind = await chooseIndex(tx, scope, { model, dimensions, limit, filter, limits });
    if (kind === null) return { found: await listNearestChunks(tx.db, scope, search), isExact: true };
    const candidates = limit * CANDIDATES[kind];
    const how = {
      kind,
      candidates,
      effort: Math.min(EFFORT.most, Math.max(EFFORT.least, candidates)),
      mostPassed: limits.mostPassed,
    };
    return { found: await listNearestByIndex(tx.db, scope, search, how), isExact: false };
  });
  if (isExact || found.length >= limit) return found;
  // In another transaction: what the index wants of the planner holds until the end of that one.
  return readInProject(ctx, scope, (tx) => listNearestChunks(tx.db, scope, search));
}

/** @returns null: every vector is looked at, since that is quicker or there is no index */
async function chooseIndex(
  { db }: Pick<Context, 'db'>,
  scope: ProjectScope,
  search: {
    model: string;
    dimensions: number;
    limit: number;
    filter: SQL | undefined;
    limits: SearchLimits;
  },
): Promise<VectorIndexKind | null> {
  const { filter, limit, limits } = search;
  const indexes = KINDS.flatMap((kind) => vectorIndexOf(search, kind) ?? []);
  if (indexes.length === 0) return null;
  const { chunks, index } = await findSearchSize(
    db,
    scope,
    indexes.map(({ name }) => name),
  );
  const kind = indexes.find(({ name }) => name === index?.name)?.kind;
  if (index === null || kind === undefined) return null;
  const isWorthIt = (matching: number) => {
    const wanted = limit * CANDIDATES[kind];
    return isIndexQuicker({ matching, indexed: index.vectors, wanted }, limits);
  };
  if (!isWorthIt(chunks)) return null;
  if (filter === undefined) return kind;
  return isWorthIt(await countMatchingChunks(db, scope, filter)) ? kind : null;
}
