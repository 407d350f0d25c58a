import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { analyzeQueryWords } from '#rag/analyzer/analyze.js';
import { type ScorableSegment, scoreSegments } from '#rag/bm25.js';
import { decodePostings } from '#rag/postings.js';
import { chunkIdAt } from './chunk-ids.js';
import { type SegmentPostingRow, listIndexLanguages, listSegmentPostings } from './search-index.queries.js';

/** A query is read in the languages that the project mostly holds. */
const MAX_QUERY_LANGUAGES = 4;

export interface LexicalHit {
  chunkId: string;
  /** BM25. */
  score: number;
}

/**
 * Scores a project's visible chunks by BM25.
 * @returns at most `limit` hits, best first, and the sum of the query terms' idf that scores are relative to
 */
export async function searchSegments(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  input: { query: string; limit: number },
): Promise<{ hits: LexicalHit[]; idfSum: number }> {
  const languages = await listIndexLanguages(ctx.db, scope, MAX_QUERY_LANGUAGES);
  const words = analyzeQueryWords(input.query, languages);
  if (words.length === 0 || languages.length === 0) return { hits: [], idfSum: 0 };
  const rows = await listSegmentPostings(ctx.db, scope, [...new Set(words.flat())]);
  const { hits, idfSum } = scoreSegments(rows.map(scorable), { terms: words, limit: input.limit });
  const chunkIds = new Map(rows.map((row) => [row.segmentId, row.chunkIds]));
  return {
    idfSum,
    hits: hits.map(({ segmentId, ordinal, score }) => ({
      chunkId: chunkIdAt(chunkIds.get(segmentId) ?? new Uint8Array(), ordinal),
      score,
    })),
  };
}

function scorable(row: SegmentPostingRow): ScorableSegment {
  // A copy: the driver's buffers are not aligned to 2 bytes.
  const lengths = new Uint16Array(Uint8Array.from(row.lengths).buffer);
  const dead = deadOrdinals(row, lengths.length);
  const isDead = new Set(dead);
  const postings = new Map<string, { documentFrequency: number; data: Uint8Array }>();
  for (const [index, term] of (row.terms ?? []).entries()) {
    const data = row.lists?.[index] ?? new Uint8Array();
    const written = row.frequencies?.[index] ?? 0;
    postings.set(term, { documentFrequency: dead.length === 0 ? written : countLiving(data, isDead), data });
  }
  return {
    id: row.segmentId,
    documentCount: row.chunkCount,
    lengthSum: row.lengthSum,
    lengths,
    dead,
    postings,
  };
}

/** Chunks of a merged segment that are in none of its visible runs. */
function deadOrdinals({ firstOrdinals, runLengths }: SegmentPostingRow, count: number): number[] {
  if (firstOrdinals === null || runLengths === null) return [];
  const dead: number[] = [];
  let next = 0;
  for (const [index, first] of firstOrdinals.entries()) {
    for (; next < first; next += 1) dead.push(next);
    next = first + (runLengths[index] ?? 0);
  }
  for (; next < count; next += 1) dead.push(next);
  return dead;
}

function countLiving(data: Uint8Array, isDead: ReadonlySet<number>): number {
  let count = 0;
  decodePostings(data, (ordinal) => {
    if (!isDead.has(ordinal)) count += 1;
  });
  return count;
}
