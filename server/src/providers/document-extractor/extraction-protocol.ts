import type { SourceErrorReason } from '#kernel/source-error.js';
import type { ExtractedDocument } from '#platform/ports/document-extractor.js';

/**
 * How the parent and the extraction process talk. On stdin: one line of JSON (`ExtractionHeader`), then the
 * bytes of the file until the end. On file descriptor 3: one JSON value (`ExtractionReply`). Libraries may print
 * what they like on stdout and stderr; nobody listens there.
 */
export interface ExtractionHeader {
  kind: 'file' | 'text';
  fileName: string | null;
  mediaType: string | null;
  maxInputBytes: number;
  maxOutputCharacters: number;
}

export type ExtractionReply =
  | { ok: true; document: ExtractedDocument }
  | { ok: false; reason: SourceErrorReason; message: string; retryable: boolean };

export const REPLY_FILE_DESCRIPTOR = 3;
