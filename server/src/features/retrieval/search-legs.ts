import { ModelError } from '#kernel/model-error.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { searchSegments } from '#features/search-index/search-segments.js';
import { type SearchFilter, matchesFilter } from './search-filter.queries.js';
import { vectorSearch } from './vector-search.js';

/** Each leg gives this many candidates. */
const LEG_DEPTH = 100;

type LegContext = Pick<Context, 'db' | 'embedder' | 'metrics' | 'log' | 'searchMemory'>;

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
  const search = { query, limit: LEG_DEPTH, documents: matchesFilter(filter) };
  return timed(ctx, 'keyword', () => searchSegments(ctx, scope, search));
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

async function timed<T>(ctx: Pick<Context, 'metrics'>, leg: string, act: () => Promise<T>): Promise<T> {
  const end = ctx.metrics.retrievalSeconds.startTimer({ leg });
  try {
    return await act();
  } finally {
    end();
  }
}
