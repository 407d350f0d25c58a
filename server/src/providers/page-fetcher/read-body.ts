import { Readable, type Transform, pipeline } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';

import { SourceError } from '#kernel/source-error.js';

export const ACCEPTED_ENCODINGS = 'gzip, br, deflate';

/** Pages that were packed more often are none. */
const MAX_CODINGS = 2;
const BYTES_PER_MEBIBYTE = 1024 * 1024;
/** What came of a body that was cut short counts, as in browsers. */
const ZLIB = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
const BROTLI = { flush: constants.BROTLI_OPERATION_FLUSH, finishFlush: constants.BROTLI_OPERATION_FLUSH };
/** RFC 1950: the low half of the first byte of a zlib header. */
const ZLIB_METHOD = 8;

/**
 * Reads what the decompressor gives, as it gives it, so that a small bomb never unfolds.
 * @param encoding of the header `Content-Encoding`; what no browser knows is taken for nothing
 * @throws SourceError `too_large`, `fetch_failed`
 */
export async function readBody(
  body: Readable,
  encoding: string | null,
  maxBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of await decompress(body, encoding)) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw sizeError(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

export function sizeError(maxBytes: number): SourceError {
  const megabytes = Math.max(1, Math.floor(maxBytes / BYTES_PER_MEBIBYTE));
  return new SourceError(
    'too_large',
    `The page is larger than ${megabytes} MB, which is the most that is read.`,
  );
}

async function decompress(body: Readable, encoding: string | null): Promise<AsyncIterable<Uint8Array>> {
  const codings = (encoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim());
  const packings = codings.filter((coding) => /^(?:x-)?gzip$|^br$|^deflate$/.test(coding));
  if (packings.length > MAX_CODINGS) {
    throw new SourceError('fetch_failed', 'The page was packed too often to be read.');
  }
  let stream = body;
  // The last that was applied is the first to be undone.
  for (const coding of packings.toReversed()) {
    const [source, decoder] = coding === 'deflate' ? await inflate(stream) : [stream, decoderOf(coding)];
    // Its error comes out of the stream that is read.
    stream = pipeline(source, decoder, () => {});
  }
  return stream;
}

function decoderOf(coding: string): Transform {
  return coding === 'br' ? createBrotliDecompress(BROTLI) : createGunzip(ZLIB);
}

/** Of old, servers send `deflate` without the header of zlib; which it is, the first byte tells. */
async function inflate(body: Readable): Promise<[Readable, Transform]> {
  const pieces: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
  const first = await pieces.next();
  const head = first.done === true ? Buffer.alloc(0) : first.value;
  const hasHeader = ((head[0] ?? 0) & 0x0f) === ZLIB_METHOD;
  const rest = { [Symbol.asyncIterator]: () => pieces };
  const source = Readable.from(putBefore(head, rest), { objectMode: false });
  return [source, hasHeader ? createInflate(ZLIB) : createInflateRaw(ZLIB)];
}

async function* putBefore(head: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  yield* rest;
}
