import { ModelError } from '#kernel/model-error.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { searchSegments } from '#features/search-index/search-segments.js';
import { listAllowedChunks } from './retrieval.queries.js';
import { type SearchFilter, matchesFilter } from './search-filter.queries.js';
import { vectorSearch } from './vector-search.js';

/** Each leg gives this many candidates. */
const LEG_DEPTH = 100;
/** How much deeper a leg is read when its filter has left too little. */
const DEEPER = 4;

type LegContext = Pick<Context, 'db' | 'embedder' | 'metrics' | 'log'>;

interface LegQuery {
  query: string;
  filter: SearchFilter | undefined;
}

export interface WordHits {
  hits: { chunkId: string; score: number }[];
  idfSum: number;
}

export type MeaningHits = { chunkId: string; similarity: number }[];

/** The passages that share words with a query, the best first. */
export async function searchByWords(
  ctx: LegContext,
  scope: ProjectScope,
  { query, filter }: LegQuery,
): Promise<WordHits> {
  let idfSum = 0;
  const hits = await timed(ctx, 'keyword', () =>
    allowedHits(ctx, scope, filter, async (limit) => {
      const found = await searchSegments(ctx, scope, { query, limit });
      idfSum = found.idfSum;
      return found.hits;
    }),
  );
  return { hits, idfSum };
}

/**
 * The passages whose vectors are nearest to a query's.
 * @returns null where there is no embedding model, or it fails: retrieval then goes by words alone
 */
export async function searchByMeaning(
  ctx: LegContext,
  scope: ProjectScope,
  { query, filter }: LegQuery,
  signal: AbortSignal,
): Promise<MeaningHits | null> {
  const { embedder } = ctx;
  if (embedder === null) return null;
  try {
    const search = { query, limit: LEG_DEPTH, filter };
    return await timed(ctx, 'semantic', () => vectorSearch({ ...ctx, embedder }, scope, search, signal));
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    ctx.log.warn(
      { err: error, project: scope.projectId },
      'the semantic leg failed: searching by words alone',
    );
    return null;
  }
}

/** Reads a leg deeper until its filter has left enough, or the leg has no more: a filter costs no hit. */
async function allowedHits<Hit extends { chunkId: string }>(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  filter: SearchFilter | undefined,
  search: (limit: number) => Promise<Hit[]>,
): Promise<Hit[]> {
  if (filter === undefined) return search(LEG_DEPTH);
  for (let limit = LEG_DEPTH; ; limit *= DEEPER) {
    const hits = await search(limit);
    const chunkIds = hits.map(({ chunkId }) => chunkId);
    const allowed = new Set(await listAllowedChunks(ctx.db, scope, chunkIds, matchesFilter(filter)));
    const kept = hits.filter(({ chunkId }) => allowed.has(chunkId));
    if (kept.length >= LEG_DEPTH || hits.length < limit) return kept.slice(0, LEG_DEPTH);
  }
}

async function timed<T>(ctx: Pick<Context, 'metrics'>, leg: string, act: () => Promise<T>): Promise<T> {
  const end = ctx.metrics.retrievalSeconds.startTimer({ leg });
  try {
    return await act();
  } finally {
    end();
  }
}
