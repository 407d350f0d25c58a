/**
 * The process that reads inputs one after another, and ends when no more can come. It holds no secret and no
 * connection; its parent bounds its time and its memory. See `providers/document-extractor/extraction-protocol.ts` for
 * what goes in and out.
 */
import { createWriteStream } from 'node:fs';

import { extractDocument } from '#features/ingestion/extractors/extract-document.js';
import { extractPage } from '#features/ingestion/extractors/extract-page.js';
import { readTypedText } from '#features/ingestion/read-typed-text.js';
import { assertNever } from '#kernel/assert-never.js';
import { SourceError } from '#kernel/source-error.js';
import type { ExtractedText, PageFacts } from '#platform/ports/document-extractor.js';
import { clipPageFacts } from '#providers/document-extractor/clip-page-facts.js';
import { endWithParent } from '#providers/document-extractor/end-with-parent.js';
import {
  type ExtractionHeader,
  type ExtractionReply,
  REPLY_FILE_DESCRIPTOR,
  REPLY_HEAD_BYTES,
} from '#providers/document-extractor/extraction-protocol.js';
import { readInputs } from '#providers/document-extractor/read-inputs.js';

endWithParent();
const replies = createWriteStream('', { fd: REPLY_FILE_DESCRIPTOR });
for await (const { header, readBody } of readInputs(process.stdin)) {
  await send(header.id, '');
  await send(header.id, JSON.stringify(await answer(header, await readBody())));
}
process.exit(0);

async function answer(header: ExtractionHeader, bytes: Uint8Array): Promise<ExtractionReply> {
  try {
    const { text, facts } = await read(header, bytes);
    if (text.content.length > header.maxOutputCharacters) {
      throw new SourceError(
        'too_large',
        `The file holds more than ${header.maxOutputCharacters} characters of text. Split it into smaller files.`,
      );
    }
    // Its tables take longest of all to load: a file without text is told so before.
    const { chunkText } = await import('#features/ingestion/chunk-text.js');
    return { ok: true, document: chunkText(text, facts === null ? null : clipPageFacts(facts)) };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { ok: false, reason: error.reason, message: error.message, retryable: error.retryable };
  }
}

async function read(
  header: ExtractionHeader,
  bytes: Uint8Array,
): Promise<{ text: ExtractedText; facts: PageFacts | null }> {
  const { kind } = header;
  switch (kind) {
    case 'text':
      return { text: readTypedText(new TextDecoder().decode(bytes)), facts: null };
    case 'file':
      return { text: await extractDocument(bytes, header), facts: null };
    case 'page':
      if (header.page === undefined) throw new Error('a page without its address');
      return extractPage(bytes, header, header.page);
    default:
      return assertNever(kind);
  }
}

/** Resolves when the parent has taken it. */
function send(id: number, json: string): Promise<void> {
  const payload = Buffer.from(json);
  const head = Buffer.alloc(REPLY_HEAD_BYTES);
  head.writeUInt32BE(id, 0);
  head.writeUInt32BE(payload.byteLength, REPLY_HEAD_BYTES / 2);
  return new Promise((resolve, reject) => {
    replies.write(Buffer.concat([head, payload]), (error) => (error ? reject(error) : resolve()));
  });
}
