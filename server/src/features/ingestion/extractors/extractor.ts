import type { ExtractedText } from '#platform/ports/document-extractor.js';

/** What the sender said about the file. Content decides; these only settle a draw. */
export interface FileHints {
  fileName: string | null;
  /** May carry a charset: `text/html; charset=iso-8859-1`. */
  mediaType: string | null;
}

/**
 * Turns the bytes of one format into normalised text.
 * @throws SourceError when its owner can be told why it cannot be read; anything else means a broken file.
 */
export type Extractor = (bytes: Uint8Array, hints: FileHints) => Promise<ExtractedText>;
