import { sha256Hex } from '#kernel/hash.js';
import { ModelError } from '#kernel/model-error.js';
import type { Context } from '#platform/context.js';
import { embeddingModelKey, parseEmbeddingModel } from '#platform/embedding-model.js';
import type { ProjectScope } from '#platform/scope.js';
import { inSpan } from '#platform/tracing.js';
import { comparableQuestion } from '#rag/comparable-question.js';
import { type FusedHit, fuse } from '#rag/fuse.js';
import { normalizeQuery } from '#rag/normalize-query.js';
import { searchSegments } from '#features/search-index/search-segments.js';
import {
  type ChunkWithDocument,
  type RetrievalSettings,
  findQuestionAnswerOrNull,
  findRetrievalSettings,
  listVisibleChunks,
} from './retrieval.queries.js';
import { type Search, resultBytes, searchKey } from './search-key.js';
import { vectorSearch } from './vector-search.js';

export interface Passage extends ChunkWithDocument {
  /** Relevance, 0 to about 1. */
  score: number;
  /** Cosine similarity; null where the semantic leg did not find it or did not run. */
  semantic: number | null;
  /** BM25 over the sum of the query's idf, 0 to 1.2; null where the keyword leg did not find it. */
  keyword: number | null;
  /** Of a question with its answer that is the very query: where in the text the answer starts. Else null. */
  answerStart: number | null;
}

/** Shared with whoever asks the same: nobody changes it. */
export interface RetrievalResult {
  /** Best first. */
  passages: readonly Readonly<Passage>[];
  /**
   * How surely the best of them are about the query, 0 to about 1: the best fused score, or the best keyword score
   * where that is higher. Fusion orders; what a question's words alone prove, it must not take back.
   */
  relevance: number;
  /** The semantic leg was wanted and failed: the passages were found by words alone. */
  isDegraded: boolean;
}

export interface RetrievalInput {
  query: string;
  /** Unset: the project's. */
  topK?: number | undefined;
  mode?: RetrievalSettings['retrieval'] | undefined;
  minScore?: number | undefined;
}

/** Nothing can match better than the very question. */
const EXACT_SCORE = 1;
/** Each leg gives this many candidates. */
const LEG_DEPTH = 100;

type RetrievalContext = Pick<Context, 'db' | 'embedder' | 'metrics' | 'log' | 'searchCache' | 'searchMemory'>;

/**
 * Finds the passages of a project that best match a query, best first: by words, by meaning, or both fused. What was
 * found is kept until the project's index changes.
 */
export function retrievePassages(
  ctx: RetrievalContext,
  scope: ProjectScope,
  input: RetrievalInput,
  signal: AbortSignal,
): Promise<RetrievalResult> {
  return inSpan({ name: 'retrieve passages' }, async (span) => {
    const settings = await findRetrievalSettings(ctx.db, scope);
    const search = {
      query: normalizeQuery(input.query, settings.language),
      questionKey: sha256Hex(comparableQuestion(input.query)),
      topK: input.topK ?? settings.topK,
      mode: input.mode ?? settings.retrieval,
      minScore: input.minScore ?? 0,
    };
    const embedder = embedderOf(ctx, settings);
    const key = searchKey({ ...scope, ...settings, embedder, search });
    const { value, outcome } = await ctx.searchCache.fetch(key, signal, async (searchSignal) => {
      const found = await searchPassages({ ...ctx, embedder }, scope, search, searchSignal, true);
      const { result, isComplete } = found;
      const isKept = isComplete && !result.isDegraded;
      return { value: result, isKept, size: resultBytes(key, result.passages) };
    });
    ctx.metrics.searchCacheRequests.inc({ outcome });
    span.set({
      'botbase.retrieval.passages': value.passages.length,
      'botbase.retrieval.degraded': value.isDegraded,
      'botbase.retrieval.cache': outcome,
    });
    return value;
  });
}

/** That of the vectors which the project has; while its model is being changed, still the one before. */
function embedderOf(
  { embedder }: Pick<Context, 'embedder'>,
  { embeddingModel }: RetrievalSettings,
): Context['embedder'] {
  const live = parseEmbeddingModel(embeddingModel);
  if (embedder === null || live === null || embeddingModel === embeddingModelKey(embedder)) return embedder;
  return embedder.forModel(live.model, live.dimensions);
}

/** @returns `isComplete`: false when what was found is gone again, twice */
async function searchPassages(
  ctx: RetrievalContext,
  scope: ProjectScope,
  search: Search,
  signal: AbortSignal,
  isFirstTry: boolean,
): Promise<{ result: RetrievalResult; isComplete: boolean }> {
  const { query, questionKey, mode, topK, minScore } = search;
  const semantic = mode === 'keyword' ? null : await searchByMeaning(ctx, scope, query, signal);
  const isWordsNeeded = mode !== 'semantic' || semantic === null;
  const lexical = isWordsNeeded
    ? await timed(ctx, 'keyword', () => searchSegments(ctx, scope, { query, limit: LEG_DEPTH }))
    : { hits: [], idfSum: 0 };
  const answer = await findQuestionAnswerOrNull(ctx.db, scope, questionKey);
  const fused = fuse({
    lexical: lexical.hits.map(({ chunkId, score }) => ({ id: chunkId, score })),
    idfSum: lexical.idfSum,
    dense: semantic?.map(({ chunkId, similarity }) => ({ id: chunkId, similarity })) ?? null,
    ...(isWordsNeeded ? {} : { alpha: 1 }),
    limit: topK,
  }).filter(({ score }) => score > 0 && score >= minScore);
  const hits = answer === null ? fused : withAnswerFirst(fused, answer.chunkId, topK);
  const isDegraded = semantic === null && mode !== 'keyword' && ctx.embedder !== null;
  const passages = await loadPassages(ctx, scope, hits, answer);
  const isComplete = passages.length === hits.length;
  // A document went live in a new version between the two statements: what was found of the old one is gone.
  if (!isComplete && isFirstTry) return searchPassages(ctx, scope, search, signal, false);
  const relevance = Math.max(0, ...passages.map(({ score, keyword }) => Math.max(score, keyword ?? 0)));
  return { result: { passages, relevance, isDegraded }, isComplete };
}

/** @returns null where there is no embedding model, or it fails: retrieval then goes by words alone */
async function searchByMeaning(
  ctx: RetrievalContext,
  scope: ProjectScope,
  query: string,
  signal: AbortSignal,
): Promise<{ chunkId: string; similarity: number }[] | null> {
  const { embedder } = ctx;
  if (embedder === null) return null;
  try {
    return await timed(ctx, 'semantic', () =>
      vectorSearch({ ...ctx, embedder }, scope, { query, limit: LEG_DEPTH }, signal),
    );
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    ctx.log.warn(
      { err: error, project: scope.projectId },
      'the semantic leg failed: searching by words alone',
    );
    return null;
  }
}

async function loadPassages(
  ctx: RetrievalContext,
  scope: ProjectScope,
  hits: FusedHit[],
  answer: { chunkId: string; answerStart: number } | null,
): Promise<Passage[]> {
  if (hits.length === 0) return [];
  const chunks = await listVisibleChunks(
    ctx.db,
    scope,
    hits.map(({ id }) => id),
  );
  const byId = new Map(chunks.map((chunk) => [chunk.chunkId, chunk]));
  return hits.flatMap(({ id, score, lexical, semantic }) => {
    const chunk = byId.get(id);
    const answerStart = id === answer?.chunkId ? answer.answerStart : null;
    return chunk === undefined ? [] : [{ ...chunk, score, semantic, keyword: lexical, answerStart }];
  });
}

/** Who asks a question to the letter gets its answer first, whatever else there is. */
function withAnswerFirst(hits: FusedHit[], chunkId: string, topK: number): FusedHit[] {
  const found = hits.find(({ id }) => id === chunkId);
  const first: FusedHit = { id: chunkId, lexical: null, semantic: null, ...found, score: EXACT_SCORE };
  return [first, ...hits.filter(({ id }) => id !== chunkId)].slice(0, topK);
}

async function timed<T>(ctx: RetrievalContext, leg: string, act: () => Promise<T>): Promise<T> {
  const end = ctx.metrics.retrievalSeconds.startTimer({ leg });
  try {
    return await act();
  } finally {
    end();
  }
}
