import { unzipSync, zipSync } from 'fflate';

import { SourceError } from '#kernel/source-error.js';

const MAX_ENTRIES = 10_000;
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;
const TEXT_PART = /^(?:\[Content_Types\]\.xml|_rels\/.*\.rels|docProps\/core\.xml|word\/.*\.(?:xml|rels))$/i;

/**
 * Unpacks the parts of a Word document that hold text, and nothing else: no pictures, no embedded files.
 * The directory is added up before a byte is unpacked, and no part grows beyond the size it declares there.
 * @throws SourceError `too_large` for a zip bomb, `malformed_file`.
 */
export function readDocxParts(bytes: Uint8Array): Record<string, Uint8Array> {
  let entries = 0;
  let unpackedBytes = 0;
  const names = new Set<string>();
  unzipSync(bytes, {
    filter: (entry) => {
      entries += 1;
      unpackedBytes += entry.originalSize;
      if (entries > MAX_ENTRIES || unpackedBytes > MAX_UNPACKED_BYTES) refuseBomb();
      if (names.has(entry.name)) refuseMalformed('it holds two parts of the same name');
      names.add(entry.name);
      return false;
    },
  });
  const parts = unzipSync(bytes, { filter: (entry) => TEXT_PART.test(entry.name) });
  for (const part of Object.values(parts)) refuseDoctype(part);
  return parts;
}

/** The parts as an uncompressed zip, for a library that wants a whole file. */
export function packDocxParts(parts: Record<string, Uint8Array>): Buffer {
  const zip = zipSync(parts, { level: 0 });
  return Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength);
}

function refuseBomb(): never {
  throw new SourceError(
    'too_large',
    'The document unpacks to more than 256 MB, which is too large to read. Split it or remove its pictures.',
  );
}

/** Office never writes a document type (ECMA-376 part 2, 8.1.4); entities declared in one can explode. */
function refuseDoctype(part: Uint8Array): void {
  const start = Buffer.from(part.buffer, part.byteOffset, Math.min(part.byteLength, 4_096)).toString(
    'latin1',
  );
  if (/<!DOCTYPE/i.test(start)) refuseMalformed('its XML declares a document type');
}

function refuseMalformed(what: string): never {
  throw new SourceError(
    'malformed_file',
    `The Word document is damaged or forged: ${what}. Open it in Word, save it again and upload the new file.`,
  );
}
