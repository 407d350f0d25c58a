import type { SourceErrorReason } from '#kernel/source-error.js';
import type { ExtractedDocument, ExtractionInput } from '#platform/ports/document-extractor.js';

/**
 * How the parent and an extraction process talk, for one input after another:
 *
 * - On stdin, the parent: one line of JSON (`ExtractionHeader`), then the bytes of the input in frames, each of them
 *   its length (32 bits, big endian) and as many bytes; a frame of length 0 ends the input.
 * - On file descriptor 3, the process: frames of the input's id, a length (both 32 bits, big endian) and as many bytes.
 *   First the frame of length 0: it has read the header. The parent sends the body no sooner, so that an input whose
 *   process died in its sleep can still be given to another. Then one JSON value (`ExtractionReply`).
 *
 * Nothing else may be written to 3. Libraries may print what they like on stdout and stderr; nobody listens there.
 */
export interface ExtractionHeader extends Pick<ExtractionInput, 'kind' | 'page' | 'fileName' | 'mediaType'> {
  /** Counts the inputs of this process. */
  id: number;
  maxOutputCharacters: number;
}

export type ExtractionReply =
  | { ok: true; document: ExtractedDocument }
  | { ok: false; reason: SourceErrorReason; message: string; retryable: boolean };

export const REPLY_FILE_DESCRIPTOR = 3;
export const LENGTH_BYTES = 4;
export const REPLY_HEAD_BYTES = 8;

/** What a reply may say of a page; the process leaves out what is more or longer. */
export const PAGE_FACTS_LIMITS = {
  links: 10_000,
  alternates: 1_000,
  blocks: 50_000,
  urlCharacters: 2_048,
  languageCharacters: 35,
  blockCharacters: 64,
};
