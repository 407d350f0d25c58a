import { zipSync } from 'fflate';

import { createXmlReader } from './read-xml.js';
import { refuseMalformed, refuseTooLarge } from './refuse-file.js';
import type { ZipArchive } from './zip-archive.js';

const TEXT_PART = /^(?:\[Content_Types\]\.xml|_rels\/.*\.rels|word\/.*\.(?:xml|rels))$/i;
/** The library holds the document as a tree that takes some twenty times as much. */
const MAX_XML_BYTES = 24 * 1024 * 1024;

/**
 * The parts of a Word document that hold text, and nothing else: no pictures, no embedded files.
 * @throws SourceError `malformed_file` for XML that declares a document type or lies too deep; `too_large`.
 */
export function readDocxParts(archive: ZipArchive): Record<string, Uint8Array> {
  const parts: Record<string, Uint8Array> = {};
  let xmlBytes = 0;
  for (const name of archive.names.filter((other) => TEXT_PART.test(other))) {
    const part = archive.readOrNull(name)!;
    xmlBytes += part.byteLength;
    if (xmlBytes > MAX_XML_BYTES) refuseTooLarge('The Word document holds more than can be read at once');
    // Office never writes a document type (ECMA-376 part 2, 6.5.2); entities declared in one can explode.
    if (Buffer.from(part.buffer, part.byteOffset, part.byteLength).includes('<!DOCTYPE')) {
      refuseMalformed('its XML declares a document type');
    }
    const reader = createXmlReader({});
    reader.write(part);
    reader.end();
    parts[name] = part;
  }
  return parts;
}

/** The parts as an uncompressed zip, for a library that wants a whole file. */
export function packDocxParts(parts: Record<string, Uint8Array>): Buffer {
  const zip = zipSync(parts, { level: 0 });
  return Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength);
}
