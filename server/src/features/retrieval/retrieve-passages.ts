import type { RetrievalOptions } from '#db/schema/projects.js';
import { sha256Hex } from '#kernel/hash.js';
import type { Context } from '#platform/context.js';
import { embeddingModelKey, parseEmbeddingModel } from '#platform/embedding-model.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import { inSpan } from '#platform/tracing.js';
import { comparableQuestion } from '#rag/comparable-question.js';
import { normalizeQuery } from '#rag/normalize-query.js';
import { retrievalOptionsOf } from '#features/projects/project-options.js';
import { type ModelCall, type ThinkingTime, startThinkingTime } from './ask-model.js';
import { type RetrievalSettings, findRetrievalSettings } from './retrieval.queries.js';
import type { SearchFilter } from './search-filter.queries.js';
import { type Focus, type Search, resultBytes, searchKey } from './search-key.js';
import { type Found, type Passage, type SearchDetails, searchPassages } from './search-passages.js';

export type { Passage } from './search-passages.js';

export interface RetrievalInput {
  query: string;
  /** The question as it was asked, where the query is another wording of it: what answers it to the letter comes first. */
  asked?: string | undefined;
  /** The part of the query that passages should be about in particular: scores are the mean of those of both. */
  focus?: Focus | null | undefined;
  /** Unset: the project's. */
  topK?: number | undefined;
  mode?: RetrievalSettings['retrieval'] | undefined;
  minScore?: number | undefined;
  /** Those that are not named: the project's. */
  options?: Partial<RetrievalOptions> | undefined;
  filter?: SearchFilter | undefined;
}

/** What was found is shared with whoever asks the same: nobody changes it. */
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
  search: Readonly<Search>;
  details: Readonly<SearchDetails>;
  /** What this search took; none when it was kept from before. */
  calls: readonly ModelCall[];
  cache: 'hit' | 'miss' | 'shared';
}

export type RetrievalContext = Pick<
  Context,
  'db' | 'embedder' | 'chatModel' | 'reranker' | 'metrics' | 'log' | 'searchCache' | 'searchMemory'
>;

/**
 * Finds the passages of a project that best match a query, best first: by words, by meaning, or both fused. What was
 * found is kept until the project's index changes.
 * @param thinking what is left of the time for models that help with a question
 */
export function retrievePassages(
  ctx: RetrievalContext,
  scope: ProjectScope,
  input: RetrievalInput,
  signal: AbortSignal,
  thinking: ThinkingTime = startThinkingTime(),
): Promise<RetrievalResult> {
  return inSpan({ name: 'retrieve passages' }, async (span) => {
    const settings = await readInProject(ctx, scope, (tx) => findRetrievalSettings(tx.db, scope));
    const search = searchOf(ctx, settings, input);
    const embedder = embedderOf(ctx, settings);
    const key = searchKey({ ...scope, ...settings, embedder, search });
    const { value, outcome } = await ctx.searchCache.fetch(key, signal, async (searchSignal) => {
      const found = await searchTwice({ ...ctx, embedder }, scope, { search, thinking }, searchSignal);
      const hasFailed = found.details.calls.some(({ failure }) => failure !== null);
      const isKept = found.isComplete && !found.isDegraded && !hasFailed;
      return { value: found, isKept, size: resultBytes(key, { ...found, candidates: candidatesOf(found) }) };
    });
    ctx.metrics.searchCacheRequests.inc({ outcome });
    const { passages, relevance, isDegraded, details } = value;
    span.set({
      'botbase.retrieval.passages': passages.length,
      'botbase.retrieval.degraded': isDegraded,
      'botbase.retrieval.cache': outcome,
    });
    const calls = outcome === 'miss' ? details.calls : [];
    return { passages, relevance, isDegraded, search, details, calls, cache: outcome };
  });
}

function searchOf(
  { chatModel }: Pick<Context, 'chatModel'>,
  settings: RetrievalSettings,
  input: RetrievalInput,
): Search {
  const { query, asked = query, focus = null, topK, mode, minScore, options = {}, filter } = input;
  return {
    query: normalizeQuery(query, settings.language),
    focus: focus && { ...focus, text: normalizeQuery(focus.text, settings.language) },
    questionKeys: [...new Set([asked, query].map((text) => sha256Hex(comparableQuestion(text))))],
    topK: topK ?? settings.topK,
    mode: mode ?? settings.retrieval,
    minScore: minScore ?? 0,
    options: { ...retrievalOptionsOf(settings.retrievalOptions), ...options },
    filter,
    model: chatModel.isBuiltin ? null : (settings.modelMini ?? chatModel.defaultModels.mini),
  };
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

/** Once more where a document went live in a new version between two statements: what was found of it is gone. */
async function searchTwice(
  ctx: Parameters<typeof searchPassages>[0],
  scope: ProjectScope,
  { search, thinking }: { search: Search; thinking: ThinkingTime },
  signal: AbortSignal,
): Promise<Found> {
  const first = await searchPassages(ctx, scope, search, thinking, signal);
  if (first.isComplete) return first;
  const second = await searchPassages(ctx, scope, search, thinking, signal);
  const calls = [...first.details.calls, ...second.details.calls];
  return { ...second, details: { ...second.details, calls } };
}

function candidatesOf({ details }: Found): number {
  const lists = details.queries.flatMap(({ keyword, semantic }) => [keyword ?? [], semantic ?? []]);
  return details.fused.length + lists.reduce((sum, list) => sum + list.length, 0);
}
