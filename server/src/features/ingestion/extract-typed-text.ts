import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Context } from '#platform/context.js';
import type { ExtractedDocument } from '#platform/ports/document-extractor.js';
import { chunkText } from './chunk-text.js';
import { readTypedText } from './read-typed-text.js';

/** Up to here a text is chunked in milliseconds; a process of its own would take longer to start. */
const SMALL_TEXT_BYTES = 64 * 1024;

/** Language and chunks of a text as somebody typed it: a large one is left to a process of its own. @throws SourceError */
export async function extractTypedText(
  ctx: Pick<Context, 'extractor'>,
  typed: { body: Readable; bytes: number; owner: string },
  signal: AbortSignal,
): Promise<ExtractedDocument> {
  const { body, bytes, owner } = typed;
  if (bytes <= SMALL_TEXT_BYTES) return chunkText(readTypedText(await text(body)));
  return ctx.extractor.extract({ body, bytes, kind: 'text', owner, fileName: null, mediaType: null }, signal);
}
