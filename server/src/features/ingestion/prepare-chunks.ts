import { sha256Hex } from '#kernel/hash.js';
import { newId } from '#kernel/ids.js';
import type { ChunkSpan } from '#platform/ports/document-extractor.js';
import type { QuestionChunk, ReadDocument } from './readers/reader.js';

/** Rises whenever the same content gives other chunks. */
export const CHUNKER_VERSION = 1;
const HEADING_SEPARATOR = ' › ';

/** A chunk with all that is stored of it. */
export interface PreparedChunk extends ChunkSpan {
  id: string;
  index: number;
  content: string;
  heading: string | null;
  /** What is embedded: the text under its title and headings. */
  embeddedText: string;
  /** SHA-256 of `embeddedText`: equal hashes share a vector. */
  contentHash: string;
  question: QuestionChunk | null;
}

/** Chunks one by one, so that a large document is never held twice. */
export function* prepareChunks(document: ReadDocument): Generator<PreparedChunk> {
  for (const [index, chunk] of document.extracted.chunks.entries()) {
    const content = document.extracted.content.slice(chunk.start, chunk.end);
    const heading = chunk.headings.length > 0 ? chunk.headings.join(HEADING_SEPARATOR) : null;
    const embeddedText = embeddedTextOf({ title: document.title, heading, content });
    const contentHash = sha256Hex(embeddedText);
    const question = document.questions?.[index] ?? null;
    yield { ...chunk, id: newId(), index, content, heading, embeddedText, contentHash, question };
  }
}

/** What a model is given of a chunk: its text under its title and headings. */
export function embeddedTextOf(chunk: { title: string; heading: string | null; content: string }): string {
  const context = [chunk.title, chunk.heading].filter((part) => part !== null).join('\n');
  return `${context}\n${chunk.content}`;
}
