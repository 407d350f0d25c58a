import { Gunzip } from 'fflate';
import { TextDecoder } from 'node:util';

/** Deflate packs at most about 1:1,030, so that 4 KiB become 4 MiB at once and no more. */
const PACKED_STEP_BYTES = 4 * 1_024;
const STEP_BYTES = 64 * 1_024;
/** Header and trailer (RFC 1952). */
const MIN_PACKED_BYTES = 18;
/** A header without an end would be copied again at each step. */
const MAX_HEADER_BYTES = 256 * 1_024;
/** Enough for a byte order mark and an XML declaration. */
const HEAD_BYTES = 512;

/**
 * Gives out the text of a sitemap piece by piece, unpacked when it is gzip, until `onText` returns false. Returns
 * whether the text is cut: it is longer than `maxBytes`, or its packing is broken.
 */
export function readSitemapText(
  body: Uint8Array,
  maxBytes: number,
  onText: (text: string) => boolean,
): boolean {
  let bytesLeft = maxBytes;
  let head = new Uint8Array();
  let decoder: TextDecoder | null = null;
  let isWanted = true;
  let isCut = false;

  function takeBytes(bytes: Uint8Array, isLast: boolean): void {
    if (bytes.length > bytesLeft) isCut = true;
    const taken = bytes.subarray(0, bytesLeft);
    bytesLeft -= taken.length;
    for (let offset = 0; offset === 0 || offset < taken.length; offset += STEP_BYTES) {
      if (isWanted) giveText(taken.subarray(offset, offset + STEP_BYTES), isLast || isCut);
    }
  }

  function giveText(bytes: Uint8Array, isLast: boolean): void {
    const piece = head.length === 0 ? bytes : Buffer.concat([head, bytes]);
    head = new Uint8Array();
    if (decoder === null && piece.length < HEAD_BYTES && !isLast) {
      head = Uint8Array.from(piece);
      return;
    }
    decoder ??= decoderFor(piece);
    isWanted = onText(decoder.decode(piece, { stream: true }));
  }

  const isPacked = body[0] === 0x1f && body[1] === 0x8b;
  const isBroken = isPacked
    ? !unpack(body, (bytes) => {
        takeBytes(bytes, false);
        return isWanted && !isCut;
      })
    : false;
  if (!isPacked) takeBytes(body, true);
  if (isWanted && head.length > 0) giveText(new Uint8Array(), true);
  return isCut || isBroken;
}

/** Returns whether the packed bytes are whole, as far as they were wanted. */
function unpack(body: Uint8Array, onBytes: (bytes: Uint8Array) => boolean): boolean {
  if (body.length < MIN_PACKED_BYTES) return false;
  let isWanted = true;
  let hasOutput = false;
  let isWhole = false;
  const gunzip = new Gunzip((bytes, isLast) => {
    if (bytes.length > 0) {
      hasOutput = true;
      if (isWanted) isWanted = onBytes(bytes);
    }
    if (isLast) isWhole = true;
  });
  try {
    for (let offset = 0; offset < body.length; offset += PACKED_STEP_BYTES) {
      if (!isWanted) return true;
      if (!hasOutput && offset > MAX_HEADER_BYTES) return false;
      gunzip.push(
        body.subarray(offset, offset + PACKED_STEP_BYTES),
        offset + PACKED_STEP_BYTES >= body.length,
      );
    }
  } catch {
    return false;
  }
  return isWhole || !isWanted;
}

function decoderFor(head: Uint8Array): TextDecoder {
  if (head[0] === 0xff && head[1] === 0xfe) return new TextDecoder('utf-16le');
  if (head[0] === 0xfe && head[1] === 0xff) return new TextDecoder('utf-16be');
  const declaration = Buffer.from(head.subarray(0, HEAD_BYTES)).toString('latin1');
  const charset = /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']/.exec(declaration)?.[1] ?? 'utf-8';
  try {
    // Who could declare UTF-16 in bytes that read as ASCII was wrong.
    return new TextDecoder(/^utf-?16/i.test(charset) ? 'utf-8' : charset);
  } catch {
    return new TextDecoder();
  }
}
