/**
 * The process that reads one file and ends. It holds no secret and no connection; its parent bounds its time and
 * its memory. See `providers/document-extractor/extraction-protocol.ts` for what goes in and out.
 */
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

import { chunkText } from '#features/ingestion/chunk-text.js';
import { extractDocument } from '#features/ingestion/extractors/extract-document.js';
import { readTypedText } from '#features/ingestion/read-typed-text.js';
import { SourceError } from '#kernel/source-error.js';
import { endWithParent } from '#providers/document-extractor/end-with-parent.js';
import {
  type ExtractionHeader,
  type ExtractionReply,
  REPLY_FILE_DESCRIPTOR,
} from '#providers/document-extractor/extraction-protocol.js';

const LINE_FEED = 0x0a;

endWithParent();
await reply(await answer());
process.exit(0);

async function answer(): Promise<ExtractionReply> {
  try {
    const { header, bytes } = await readInput();
    const text =
      header.kind === 'text'
        ? readTypedText(new TextDecoder().decode(bytes))
        : await extractDocument(bytes, header);
    if (text.content.length > header.maxOutputCharacters) {
      throw new SourceError(
        'too_large',
        `The file holds more than ${header.maxOutputCharacters} characters of text. Split it into smaller files.`,
      );
    }
    return { ok: true, document: chunkText(text) };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    return { ok: false, reason: error.reason, message: error.message, retryable: error.retryable };
  }
}

async function readInput(): Promise<{ header: ExtractionHeader; bytes: Uint8Array }> {
  let header: ExtractionHeader | null = null;
  let start = Buffer.alloc(0);
  const chunks: Buffer[] = [];
  let byteLength = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    let rest = chunk;
    if (header === null) {
      start = Buffer.concat([start, chunk]);
      const end = start.indexOf(LINE_FEED);
      if (end === -1) continue;
      header = JSON.parse(start.toString('utf8', 0, end)) as ExtractionHeader;
      rest = start.subarray(end + 1);
    }
    byteLength += rest.byteLength;
    if (byteLength > header.maxInputBytes) throw new SourceError('too_large', 'The file is too large.');
    chunks.push(rest);
  }
  if (header === null) throw new Error('the input ended before its header');
  return { header, bytes: Buffer.concat(chunks, byteLength) };
}

async function reply(value: ExtractionReply): Promise<void> {
  const stream = createWriteStream('', { fd: REPLY_FILE_DESCRIPTOR });
  stream.end(JSON.stringify(value));
  await finished(stream);
}
