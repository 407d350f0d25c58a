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

/** What a web page says beside its text: to whom it leads, and what it asks of crawlers. */
export interface PageFacts {
  /** Absolute http(s) addresses without fragment, in the order of the page, each once; not those marked `nofollow`. */
  links: string[];
  /** Of `<link rel="canonical">`, absolute; null where there is none. */
  canonical: string | null;
  /** Of `<link rel="alternate" hreflang>`, absolute. */
  alternates: { language: string; url: string }[];
  /** Where `<meta http-equiv="refresh">` sends a visitor within seconds, absolute. */
  refresh: string | null;
  isNoindex: boolean;
  isNofollow: boolean;
  /** Characters of text that no visitor sees, and that were dropped. */
  hiddenCharacters: number;
  /** A short hash of each block of the text, in order, before boilerplate was dropped: what recurs on a site is found by it. */
  blocks: string[];
}

/** A document with all that takes long to work out of its text. */
export interface ExtractedDocument extends ExtractedText {
  /** ISO 639-1, or `und`. */
  language: string;
  chunks: ChunkSpan[];
  /** Of a web page that was read as `page`; then `content` may be empty. Else null. */
  page: PageFacts | null;
}

/** How to read a web page of a site. */
export interface PageReading {
  /** Its address: links are resolved against it. */
  url: string;
  /** Hashes of blocks that recur over the site and are left out. */
  boilerplate: readonly string[];
}

export interface ExtractionInput {
  body: Readable;
  /** Of the body, where they are known: a large file may take longer. */
  bytes?: number;
  /**
   * `file`: the format is told by content. `text`: UTF-8 as somebody typed it, of which nothing is taken for markup.
   * `page`: as `file`, and of HTML its facts too.
   */
  kind: 'file' | 'text' | 'page';
  /** Of kind `page` alone. */
  page?: PageReading;
  /**
   * Inputs of one owner may be read by one process after another, which saves its start; unset: a process of its own.
   */
  owner?: string;
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
