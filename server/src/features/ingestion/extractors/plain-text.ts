import { SourceError } from '#kernel/source-error.js';

import { charsetOfMediaType, decodeText } from './decode-text.js';
import type { Extractor } from './extractor.js';
import { normalizeText } from './normalize-text.js';
import { UPLOAD_SUPPORTED_FORMAT } from './supported-formats.js';

const SAMPLE_CHARACTERS = 65_536;
/** Above this share of control characters no writer meant it as text. */
const BINARY_SHARE = 0.1;
/** Long files are told sooner: text has next to none. */
const BINARY_SHARE_OF_LONG = 0.01;
const LONG_CHARACTERS = 1_000;

/** Reads text in any charset as it stands. */
export const extractPlainText: Extractor = async (bytes, hints) => {
  const text = decodeText(bytes, charsetOfMediaType(hints.mediaType));
  refuseBinary(text);
  return { title: null, content: normalizeText(text, 'plain'), format: 'plain', pages: [] };
};

/** @throws SourceError `unsupported_type` when the decoded bytes are no text. */
export function refuseBinary(text: string): void {
  if (!looksBinary(text)) return;
  throw new SourceError(
    'unsupported_type',
    `This file holds no readable text: it is in a binary format that is not supported. ${UPLOAD_SUPPORTED_FORMAT}`,
  );
}

/** Whether decoded bytes are full of control characters, which text is not. */
export function looksBinary(text: string): boolean {
  const sample = text.slice(0, SAMPLE_CHARACTERS);
  const controls = sample.match(/[\u0000-\u0008\u000e-\u001a\u001c-\u001f\u007f\ufffd]/g)?.length ?? 0;
  const allowed = sample.length > LONG_CHARACTERS ? BINARY_SHARE_OF_LONG : BINARY_SHARE;
  return controls > sample.length * allowed;
}
