import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import { type FusedHit, type QueryHits, fuseQueries, inOrder } from '#rag/fuse.js';
import { type ModelCall, type ThinkingTime } from './ask-model.js';
import { type OtherWordings, type Wording, writeOtherWordings } from './other-wordings.js';
import { RERANK_DEPTH, type Reranking, rerankPassages } from './rerank-passages.js';
import { type ChunkWithDocument, findQuestionAnswerOrNull, listVisibleChunks } from './retrieval.queries.js';
import { type MeaningHits, type WordHits, searchByMeaning, searchByWords } from './search-legs.js';
import { matchesFilter } from './search-filter.queries.js';
import type { Search } from './search-key.js';

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

/** One thing that was searched for, and what each leg found: `null` where a leg did not run. */
interface SearchedQuery {
  kind: 'question' | Wording['kind'];
  text: string;
  keyword: Candidate[] | null;
  semantic: Candidate[] | null;
}

interface Candidate {
  chunkId: string;
  score: number;
}

/** How what was found was found: for the trace. */
export interface SearchDetails {
  queries: SearchedQuery[];
  /** The best candidates after fusion, with their scores before any other order. */
  fused: FusedHit[];
  /** Null: nobody was asked for another order. */
  rerank: {
    by: Reranking['by'];
    before: string[];
    after: { chunkId: string; score: number | null }[];
  } | null;
  calls: ModelCall[];
  skipped: { step: ModelCall['step']; reason: string }[];
  /** In milliseconds. */
  timings: Record<'search' | 'rerank' | 'load', number>;
}

export interface Found {
  /** Best first. */
  passages: Passage[];
  relevance: number;
  isDegraded: boolean;
  details: SearchDetails;
  /** False when what was found is gone again, twice. */
  isComplete: boolean;
}

/** Nothing can match better than the very question. */
const EXACT_SCORE = 1;
/** Candidates of each leg that a trace names: of the question, and of each other wording. */
const TRACED = { question: 50, other: 10 };

type SearchContext = Pick<
  Context,
  'db' | 'embedder' | 'chatModel' | 'reranker' | 'metrics' | 'log' | 'searchMemory'
>;

/** Searches by words and by meaning for a question and what a model makes of it, fuses, and orders the best anew. */
export async function searchPassages(
  ctx: SearchContext,
  scope: ProjectScope,
  search: Search,
  thinking: ThinkingTime,
  signal: AbortSignal,
): Promise<Found> {
  const startedAt = performance.now();
  const { queries, others } = await searchQueries(ctx, scope, search, thinking, signal);
  const semantic = queries[0]?.semantic ?? null;
  const { options, mode, minScore, topK } = search;
  const fused = fuseQueries(queries.map(hitsOf), {
    method: options.fusion,
    alpha: mode === 'semantic' && semantic !== null ? 1 : options.semanticWeight,
    minScore,
    limit: Math.max(topK, options.rerank === 'off' ? 0 : RERANK_DEPTH[options.rerank], TRACED.question),
  });
  const searchedAt = performance.now();
  const ranked = await rank(ctx, scope, { search, fused }, thinking, signal);
  const rankedAt = performance.now();
  const { passages, isComplete } = await readInProject(ctx, scope, (tx) =>
    loadPassages(tx, scope, search, ranked.hits),
  );
  const { reranking } = ranked;
  return {
    passages,
    relevance: relevanceOf(passages, fused.slice(0, topK)),
    isDegraded: semantic === null && mode !== 'keyword' && ctx.embedder !== null,
    isComplete,
    details: {
      queries: queries.map(tracedQuery),
      fused: fused.slice(0, TRACED.question),
      rerank: reranking === null ? null : { by: reranking.by, before: ranked.before, after: ranked.after },
      calls: [...others.calls, ...(reranking?.call == null ? [] : [reranking.call])],
      skipped: [
        ...others.skipped,
        ...(reranking?.skipped == null ? [] : [{ step: 'rerank' as const, reason: reranking.skipped }]),
      ],
      timings: {
        search: Math.round(searchedAt - startedAt),
        rerank: Math.round(rankedAt - searchedAt),
        load: Math.round(performance.now() - rankedAt),
      },
    },
  };
}

interface Searched {
  kind: SearchedQuery['kind'];
  text: string;
  weight: number;
  words: WordHits | null;
  semantic: MeaningHits | null;
  focus: (WordHits & { isNeeded: boolean }) | null;
}

/** The question with its legs, while a model writes other wordings; then those with theirs. */
async function searchQueries(
  ctx: SearchContext,
  scope: ProjectScope,
  search: Search,
  thinking: ThinkingTime,
  signal: AbortSignal,
): Promise<{ queries: Searched[]; others: OtherWordings }> {
  const { query, focus, mode, filter } = search;
  const byWords = (text: string) => searchByWords(ctx, scope, { query: text, filter });
  const byMeaning = (text: string) =>
    mode === 'keyword' ? Promise.resolve(null) : searchByMeaning(ctx, scope, { query: text, filter }, signal);
  const [semantic, { words, focused, others }] = await Promise.all([
    byMeaning(query),
    (async () => {
      const found = await byWords(query);
      const bestWordScore = found.idfSum > 0 ? (found.hits[0]?.score ?? 0) / found.idfSum : 0;
      const asked = { search, bestWordScore };
      return {
        words: found,
        focused: focus && { ...(await byWords(focus.text)), isNeeded: focus.isNeeded },
        others: await writeOtherWordings(ctx, scope, asked, thinking, signal),
      };
    })(),
  ]);
  const isWordsNeeded = mode !== 'semantic' || semantic === null;
  const question: Searched = {
    kind: 'question',
    text: query,
    weight: 1,
    words: isWordsNeeded ? words : null,
    focus: isWordsNeeded ? focused : null,
    semantic,
  };
  const rest = await Promise.all(
    others.wordings.map(async ({ kind, text, weight }): Promise<Searched> => {
      // An imagined answer has words of its own: only its meaning counts, beside the question's words.
      const own = kind === 'imagined_answer' ? question.words : isWordsNeeded ? await byWords(text) : null;
      return { kind, text, weight, words: own, focus: null, semantic: await byMeaning(text) };
    }),
  );
  return { queries: [question, ...rest], others };
}

function hitsOf({ words, semantic, focus, weight }: Searched): QueryHits {
  const lexical = (found: WordHits | null) => ({
    lexical: found?.hits.map(({ chunkId, score }) => ({ id: chunkId, score })) ?? [],
    idfSum: found?.idfSum ?? 0,
  });
  return {
    ...lexical(words),
    dense: semantic?.map(({ chunkId, similarity }) => ({ id: chunkId, similarity })) ?? null,
    weight,
    ...(focus === null ? {} : { focus: { ...lexical(focus), isNeeded: focus.isNeeded } }),
  };
}

async function rank(
  ctx: SearchContext,
  scope: ProjectScope,
  { search, fused }: { search: Search; fused: FusedHit[] },
  thinking: ThinkingTime,
  signal: AbortSignal,
): Promise<{
  hits: FusedHit[];
  reranking: Reranking | null;
  before: string[];
  after: { chunkId: string; score: number | null }[];
}> {
  const by = search.options.rerank;
  const none = { hits: fused, reranking: null, before: [], after: [] };
  if (by === 'off' || fused.length < 2) return none;
  const best = fused.slice(0, RERANK_DEPTH[by]).map(({ id }) => id);
  const chunks = await readInProject(ctx, scope, (tx) => listVisibleChunks(tx.db, scope, best));
  const byId = new Map(chunks.map((chunk) => [chunk.chunkId, chunk]));
  const candidates = fused.flatMap(({ id }) => byId.get(id) ?? []);
  const reranking = await rerankPassages(ctx, { search, by, candidates }, thinking, signal);
  const before = candidates.map(({ chunkId }) => chunkId);
  const after = (reranking.order ?? []).flatMap(({ place, score }) => {
    const candidate = candidates[place];
    return candidate === undefined ? [] : [{ chunkId: candidate.chunkId, score }];
  });
  const places = new Map(after.map(({ chunkId }, place) => [chunkId, after.length - place]));
  return { hits: inOrder(fused, places), reranking, before, after };
}

/** The text of the best hits. Who asks a question to the letter gets its answer first, whatever else there is. */
async function loadPassages(
  tx: Pick<Context, 'db'>,
  scope: ProjectScope,
  search: Search,
  ranked: FusedHit[],
): Promise<{ passages: Passage[]; isComplete: boolean }> {
  const answer = await findQuestionAnswerOrNull(tx.db, scope, {
    questionKeys: search.questionKeys,
    filter: matchesFilter(search.filter),
  });
  const hits = (answer === null ? ranked : withAnswerFirst(ranked, answer.chunkId)).slice(0, search.topK);
  if (hits.length === 0) return { passages: [], isComplete: true };
  const chunkIds = hits.map(({ id }) => id);
  const chunks = await listVisibleChunks(tx.db, scope, chunkIds);
  const byId = new Map(chunks.map((chunk) => [chunk.chunkId, chunk]));
  const passages = hits.flatMap(({ id, score, lexical, semantic }) => {
    const chunk = byId.get(id);
    const answerStart = id === answer?.chunkId ? answer.answerStart : null;
    return chunk === undefined ? [] : [{ ...chunk, score, semantic, keyword: lexical, answerStart }];
  });
  return { passages, isComplete: passages.length === hits.length };
}

function withAnswerFirst(hits: FusedHit[], chunkId: string): FusedHit[] {
  const found = hits.find(({ id }) => id === chunkId);
  const first: FusedHit = { id: chunkId, lexical: null, semantic: null, ...found, score: EXACT_SCORE };
  return [first, ...hits.filter(({ id }) => id !== chunkId)];
}

/** How surely the best are about the query: whatever order they were brought into, it is the same. */
function relevanceOf(passages: readonly Passage[], best: readonly FusedHit[]): number {
  if (passages.length === 0) return 0;
  const exact = passages.some(({ answerStart }) => answerStart !== null) ? EXACT_SCORE : 0;
  return Math.max(exact, ...best.map(({ score, lexical }) => Math.max(score, lexical ?? 0)));
}

function tracedQuery({ kind, text, words, semantic }: Searched): SearchedQuery {
  const limit = kind === 'question' ? TRACED.question : TRACED.other;
  const idfSum = words?.idfSum ?? 0;
  return {
    kind,
    text,
    keyword:
      words?.hits
        .slice(0, limit)
        .map(({ chunkId, score }) => ({ chunkId, score: idfSum > 0 ? score / idfSum : 0 })) ?? null,
    semantic:
      semantic?.slice(0, limit).map(({ chunkId, similarity }) => ({ chunkId, score: similarity })) ?? null,
  };
}
