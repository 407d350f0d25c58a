import type { Readable } from 'node:stream';

/** What a file says. */
export interface ExtractedText {
  /** The document's own title, where it has one. */
  title: string | null;
  /** Normalised text: NFC, line feeds, no control characters. Citations point into it. */
  content: string;
  /** `markdown`: headings, lists, tables and code blocks are marked up; `plain`: nothing is markup. */
  format: 'markdown' | 'plain';
  /** Where each page starts in `content` (UTF-16 units), rising; empty for formats without pages. */
  pages: { page: number; start: number }[];
}

/** A piece of the content that is found and cited on its own; offsets in UTF-16 units. */
export interface ChunkSpan {
  start: number;
  end: number;
  /** The page that it starts on. */
  page: number | null;
  /** The headings above it, outermost first. */
  headings: string[];
  tokenCount: number;
}

/** A document with all that takes long to work out of its text. */
export interface ExtractedDocument extends ExtractedText {
  /** ISO 639-1, or `und`. */
  language: string;
  chunks: ChunkSpan[];
}

export interface ExtractionInput {
  body: Readable;
  /** `file`: the format is told by content. `text`: UTF-8 as somebody typed it, of which nothing is taken for markup. */
  kind: 'file' | 'text';
  fileName: string | null;
  /** As the sender declared it: a hint, content decides. */
  mediaType: string | null;
}

export interface DocumentExtractor {
  /**
   * Reads and chunks any supported file format in a process of its own that is killed when it
   * takes too long or too much memory.
   * @throws SourceError with the reason; AbortError when `signal` fires.
   */
  extract(input: ExtractionInput, signal: AbortSignal): Promise<ExtractedDocument>;
}
