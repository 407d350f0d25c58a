import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { ANALYZER_VERSION, analyzeText } from '#rag/analyzer/analyze.js';
import { detectChunkLanguage } from '#rag/analyzer/detect-language.js';
import { type Posting, encodePostings } from '#rag/postings.js';
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
  /** Of its document: ISO 639-1, or `und`. */
  documentLanguage: string;
}

/** A segment that only has to be written. */
export interface PreparedSegment {
  /** Of all of its chunks. */
  language: string;
  chunkIds: string[];
  /** The terms of each chunk in their order: `title terms\ntext terms`. */
  terms: string[];
  lengths: Uint16Array;
  postings: PostingRow[];
}

/** Analyses chunks: all of the work, done before any transaction. @returns a segment for each of their languages */
export function prepareSegments(chunks: readonly IndexableChunk[]): PreparedSegment[] {
  const byLanguage = new Map<string, IndexableChunk[]>();
  for (const chunk of chunks) {
    const own = detectChunkLanguage(chunk.text, chunk.documentLanguage);
    const group = byLanguage.get(own);
    if (group === undefined) byLanguage.set(own, [chunk]);
    else group.push(chunk);
  }
  return Array.from(byLanguage, ([own, group]) => prepareSegment(group, own));
}

function prepareSegment(chunks: readonly IndexableChunk[], language: string): PreparedSegment {
  const postings = new Map<string, Posting[]>();
  const lengths = new Uint16Array(chunks.length);
  const terms: string[] = [];
  for (const [ordinal, chunk] of chunks.entries()) {
    const inTitle = analyzeText(chunk.title, language);
    const inText = analyzeText(chunk.text, language);
    terms.push(`${inTitle.join(' ')}\n${inText.join(' ')}`);
    const frequencies = new Map<string, number>();
    for (const term of inText) frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
    for (const term of inTitle) frequencies.set(term, (frequencies.get(term) ?? 0) + TITLE_WEIGHT);
    for (const [term, frequency] of frequencies) {
      const list = postings.get(term);
      if (list === undefined) postings.set(term, [{ ordinal, frequency }]);
      else list.push({ ordinal, frequency });
    }
    lengths[ordinal] = Math.min(MAX_LENGTH, inText.length + TITLE_WEIGHT * inTitle.length);
  }
  return {
    language,
    chunkIds: chunks.map(({ id }) => id),
    terms,
    lengths,
    postings: Array.from(postings, ([term, list]) => ({
      term,
      documentFrequency: list.length,
      data: encodePostings(list),
    })),
  };
}

/**
 * Writes a segment. That of a document's version is seen when the version goes live; one of many documents (null)
 * when it is given its runs.
 * @returns its id
 */
export async function writeSegment(
  tx: Pick<Context, 'db'>,
  scope: ProjectScope,
  segment: PreparedSegment,
  document: { documentId: string; version: number } | null,
): Promise<string> {
  const { lengths } = segment;
  const id = newId();
  await insertSegment(
    tx.db,
    {
      id,
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
  return id;
}
