import type { Readable } from 'node:stream';

export interface ExtractedDocument {
  /** The document's own title, where it has one. */
  title: string | null;
  /** Normalised text: NFC, line feeds, no control characters. Citations point into it. */
  content: string;
  /** `markdown`: headings, lists, tables and code blocks are marked up; `plain`: nothing is markup. */
  format: 'markdown' | 'plain';
  /** Where each page starts in `content` (UTF-16 units), rising; empty for formats without pages. */
  pages: { page: number; start: number }[];
}

export interface ExtractionInput {
  body: Readable;
  fileName: string | null;
  /** As the sender declared it: a hint, content decides. */
  mediaType: string | null;
}

export interface DocumentExtractor {
  /**
   * Reads any supported file format, told by its content, in a process of its own that is killed when it
   * takes too long or too much memory.
   * @throws SourceError with the reason; AbortError when `signal` fires.
   */
  extract(input: ExtractionInput, signal: AbortSignal): Promise<ExtractedDocument>;
}
