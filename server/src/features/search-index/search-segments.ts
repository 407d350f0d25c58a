import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { SQL } from 'drizzle-orm';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import { analyzeQueryWords } from '#rag/analyzer/analyze.js';
import { queryLanguages } from '#rag/analyzer/query-languages.js';
import {
  type Bm25Query,
  type Bm25Result,
  type QueryWord,
  type ScorableSegment,
  scoreSegments,
} from '#rag/bm25.js';
import { decodePostings } from '#rag/postings.js';
import { rerankByWords } from '#rag/rerank-by-words.js';
import { chunkIdAt } from './chunk-ids.js';
import { expandWords } from './expand-words.js';
import { type IndexView, hiddenOutside, readIndexView, recallIndexView } from './index-view.js';
import {
  type ChunkText,
  findPostingsOrNull,
  listChunkTexts,
  listDocumentIds,
} from './search-index.queries.js';
import { type PackedList, unpackPostings } from './unpack-postings.js';

/** So many of the best are put into a better order. */
const RERANK_DEPTH = 100;
/** The index changes while it is searched: then the search begins anew, at last with the state held. */
const FREE_TRIES = 3;
/** No score is higher than so many times `idfSum`. */
const HIGHEST_SHARE = 1.2;

interface LexicalHit {
  chunkId: string;
  /** Relative to `idfSum`; the best has what BM25 gives the best. */
  score: number;
}

export interface LexicalSearch {
  query: string;
  limit: number;
  /** A condition on `documents`: only theirs are found. Nothing that it allows is lost for it. */
  documents?: SQL | undefined;
}

interface LexicalResult {
  /** Best first. */
  hits: LexicalHit[];
  /** The sum of the query words' idf. */
  idfSum: number;
}

type SearchContext = Pick<Context, 'db' | 'searchMemory'>;

/** Runs some statements of a search: those that follow one another without much work between them. */
type Read = <T>(read: (tx: SearchContext) => Promise<T>) => Promise<T>;

/**
 * Scores a project's visible chunks by BM25, for the words of a question and those that are spelled like them, and
 * orders the best anew by where the words stand. All of one state of the index.
 */
export async function searchSegments(
  ctx: SearchContext,
  scope: ProjectScope,
  search: LexicalSearch,
): Promise<LexicalResult> {
  // No connection is held while others are scored: each of them would wait for it.
  const apart: Read = (read) => readInProject(ctx, scope, read);
  for (let tries = 0; tries < FREE_TRIES; tries += 1) {
    const result = await searchView(ctx, scope, { search, isRecalled: tries === 0, read: apart });
    if (result !== null) return result;
  }
  const held = await readInProject(
    ctx,
    scope,
    (tx) => searchView(tx, scope, { search, isRecalled: false, read: (read) => read(tx) }),
    'repeatable read',
  );
  return held ?? NOTHING;
}

const NOTHING: LexicalResult = { hits: [], idfSum: 0 };

/**
 * @param how.isRecalled false: by the state of the index as it is now, whatever is remembered of it
 * @returns null when the view is not, or no longer, that of the index as it is
 */
async function searchView(
  ctx: SearchContext,
  scope: ProjectScope,
  how: { search: LexicalSearch; isRecalled: boolean; read: Read },
): Promise<LexicalResult | null> {
  const { search, isRecalled, read } = how;
  const found = await read((tx) => findLists(tx, scope, search, isRecalled));
  if (found.state !== 'found') return found.state === 'empty' ? NOTHING : null;
  const { view, languages, forms, words, lists, allowed } = found;
  const limit = Math.max(search.limit, RERANK_DEPTH);
  const scored = await ctx.searchMemory.inTurn(() =>
    scoreInSteps(scorableSegments(view, lists, allowed), { words, limit }),
  );
  const hits = hitsOf(view, scored);
  const best = hits.slice(0, RERANK_DEPTH);
  const ids = best.map(({ chunkId }) => chunkId);
  const texts = ids.length === 0 ? [] : await read((tx) => listChunkTexts(tx.db, scope, ids));
  const scores = rescore(best, texts, {
    text: search.query,
    languages,
    words: forms.map((own, index) => ({ forms: own, idf: scored.idfs[index] ?? 0 })),
  });
  if (scores === null) return null;
  const { idfSum } = scored;
  return { hits: inNewOrder(hits, scores, idfSum).slice(0, search.limit), idfSum };
}

/** What is to be scored. */
interface FoundLists {
  state: 'found';
  view: IndexView;
  languages: string[];
  /** Of each word of the question. */
  forms: string[][];
  words: QueryWord[];
  lists: Map<string, Map<string, PackedList>>;
  /** Documents that may be found; undefined: all. */
  allowed: ReadonlySet<string> | undefined;
}

/** `passed`: the view is not that of the index as it is. */
async function findLists(
  tx: SearchContext,
  scope: ProjectScope,
  search: LexicalSearch,
  isRecalled: boolean,
): Promise<FoundLists | { state: 'empty' | 'passed' }> {
  const recalled = isRecalled ? recallIndexView(tx, scope) : undefined;
  const view = recalled ?? (await readIndexView(tx, scope));
  if (view === null) return { state: 'empty' };
  const languages = queryLanguages(search.query, view.languages);
  const forms = analyzeQueryWords(search.query, languages);
  const words = await expandWords(tx, scope, { words: forms, view });
  const terms = words.flatMap((word) => [...word.forms, ...(word.variants ?? []).map(({ term }) => term)]);
  const found = await findPostingsOrNull(tx.db, scope, [...new Set(terms)]);
  if (found?.version !== view.version) return { state: 'passed' };
  if (view.segments.length === 0 || words.length === 0) return { state: 'empty' };
  const allowed = search.documents && (await listDocumentIds(tx.db, scope, search.documents));
  const lists = unpackPostings(found.packed);
  return { state: 'found', view, languages, forms, words, lists, allowed };
}

async function scoreInSteps(segments: ScorableSegment[], query: Bm25Query): Promise<Bm25Result> {
  const scoring = scoreSegments(segments, query);
  for (;;) {
    const { done, value } = scoring.next();
    if (done === true) return value;
    await yieldToOthers();
  }
}

function scorableSegments(
  view: IndexView,
  lists: Map<string, Map<string, PackedList>>,
  allowed: ReadonlySet<string> | undefined,
): ScorableSegment[] {
  return view.segments.map((segment) => {
    const { id, documentCount, lengthSum, lengths, dead, runs } = segment;
    const postings = lists.get(id) ?? new Map<string, PackedList>();
    if (dead !== null) {
      for (const list of postings.values()) list.documentFrequency = countLiving(list.data, dead);
    }
    const hidden =
      allowed === undefined
        ? dead
        : hiddenOutside(
            runs.filter(({ documentId }) => allowed.has(documentId)),
            lengths.length,
          );
    return { id, documentCount, lengthSum, lengths, hidden, postings };
  });
}

function countLiving(data: Uint8Array, dead: Uint8Array): number {
  let count = 0;
  decodePostings(data, (ordinal) => {
    if (dead[ordinal] === 0) count += 1;
  });
  return count;
}

function hitsOf(view: IndexView, { hits }: Bm25Result): LexicalHit[] {
  const chunkIds = new Map(view.segments.map((segment) => [segment.id, segment.chunkIds]));
  return hits.map(({ segmentId, ordinal, score }) => ({
    chunkId: chunkIdAt(chunkIds.get(segmentId) ?? new Uint8Array(), ordinal),
    score,
  }));
}

/** @returns null when one of the chunks is gone */
function rescore(
  hits: readonly LexicalHit[],
  found: readonly ChunkText[],
  query: Parameters<typeof rerankByWords>[0],
): number[] | null {
  const texts = new Map(found.map((text) => [text.id, text]));
  const candidates = hits.flatMap(({ chunkId, score }) => {
    const own = texts.get(chunkId);
    if (own === undefined) return [];
    const { title, heading, content, terms } = own;
    return [{ score, terms, text: [title, heading, content].filter((part) => part !== null).join('\n') }];
  });
  return candidates.length === hits.length ? rerankByWords(query, candidates) : null;
}

/**
 * The hits by their new scores, those without one behind; all by one factor less, so that the best has the score that
 * BM25 gave the best, for that tells how well it answers, and none is above what fusion cuts off.
 */
function inNewOrder(hits: readonly LexicalHit[], scores: readonly number[], idfSum: number): LexicalHit[] {
  const highest = Math.max(0, ...scores);
  const factor = highest > 0 ? Math.min(hits[0]?.score ?? 0, HIGHEST_SHARE * idfSum) / highest : 1;
  return hits
    .map(({ chunkId, score }, index) => ({ chunkId, score: (scores[index] ?? score) * factor }))
    .toSorted((a, b) => b.score - a.score);
}
