import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { ANALYZER_VERSION, analyzeText } from '#rag/analyzer/analyze.js';
import { encodePostings } from '#rag/postings.js';
import { encodeChunkIds } from './chunk-ids.js';
import { type PostingRow, insertSegment } from './search-index.queries.js';

/** A term in a title or heading counts as three in the text. */
const TITLE_WEIGHT = 3;
const MAX_LENGTH = 65_535;

export interface IndexableChunk {
  id: string;
  text: string;
  /** Title and heading path. */
  title: string;
}

/** A segment that only has to be written. */
export interface PreparedSegment {
  language: string;
  chunkIds: string[];
  lengths: Uint16Array;
  postings: PostingRow[];
}

/** Analyses chunks in the language of their document: all of the work, done before any transaction. */
export function prepareSegment(chunks: IndexableChunk[], language: string): PreparedSegment {
  const postings = new Map<string, { ordinal: number; frequency: number }[]>();
  const lengths = new Uint16Array(chunks.length);
  for (const [ordinal, chunk] of chunks.entries()) {
    const frequencies = countTerms(chunk, language);
    let length = 0;
    for (const [term, frequency] of frequencies) {
      length += frequency;
      const list = postings.get(term);
      if (list === undefined) postings.set(term, [{ ordinal, frequency }]);
      else list.push({ ordinal, frequency });
    }
    lengths[ordinal] = Math.min(MAX_LENGTH, length);
  }
  return {
    language,
    chunkIds: chunks.map(({ id }) => id),
    lengths,
    postings: [...postings].map(([term, list]) => ({
      term,
      documentFrequency: list.length,
      data: encodePostings(list),
    })),
  };
}

/** Writes a segment of a document's version; it is seen when the version goes live. */
export function writeSegment(
  tx: Pick<Context, 'db'>,
  scope: ProjectScope,
  segment: PreparedSegment,
  document: { documentId: string; version: number },
): Promise<void> {
  const { lengths } = segment;
  return insertSegment(
    tx.db,
    {
      id: newId(),
      projectId: scope.projectId,
      ...document,
      analyzerVersion: ANALYZER_VERSION,
      language: segment.language,
      chunkCount: segment.chunkIds.length,
      lengthSum: lengths.reduce((sum, length) => sum + length, 0),
      chunkIds: encodeChunkIds(segment.chunkIds),
      lengths: new Uint8Array(lengths.buffer, lengths.byteOffset, lengths.byteLength),
    },
    segment.postings,
  );
}

function countTerms(chunk: IndexableChunk, language: string): Map<string, number> {
  const frequencies = new Map<string, number>();
  const add = (text: string, weight: number) => {
    for (const term of analyzeText(text, language))
      frequencies.set(term, (frequencies.get(term) ?? 0) + weight);
  };
  add(chunk.text, 1);
  add(chunk.title, TITLE_WEIGHT);
  return frequencies;
}
