import { refuseTooLarge } from './refuse-file.js';

/** An entry as the directory at the end of a zip file declares it. */
export interface ZipEntry {
  name: string;
  method: number;
  isEncrypted: boolean;
  packedBytes: number;
  unpackedBytes: number;
  headerStart: number;
  dataStart: number;
}

const MAX_ENTRIES = 10_000;
const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 65_535;
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;
const ZIP64_LOCATOR_BYTES = 20;
const ZIP64_END_SIGNATURE = 0x06064b50;
const ZIP64_END_BYTES = 56;
const ZIP64_FIELD = 0x0001;
const IN_ZIP64_FIELD = 0xffffffff;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
const HEADER_SIGNATURE = 0x04034b50;
const HEADER_BYTES = 30;
const ENCRYPTED_FLAG = 1;

/**
 * Reads the directory of a zip file (PKWARE APPNOTE 6.3.10, 4.3.12 to 4.3.16) and unpacks nothing.
 * @returns null when it is missing, cut short, or points outside the file.
 * @throws SourceError `too_large` for more entries than any document has.
 */
export function readZipDirectory(bytes: Uint8Array): ZipEntry[] | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const place = findDirectory(file);
  if (place === null) return null;
  if (place.count > MAX_ENTRIES) {
    refuseTooLarge(`The document consists of more than ${MAX_ENTRIES} parts, which is too many to read`);
  }
  const entries: ZipEntry[] = [];
  let start = place.start;
  for (let index = 0; index < place.count; index += 1) {
    const entry = entryAt(file, start);
    if (entry === null) return null;
    entries.push(entry.entry);
    start = entry.end;
  }
  return entries;
}

function findDirectory(file: Buffer): { count: number; start: number } | null {
  const lowest = Math.max(0, file.length - END_BYTES - MAX_COMMENT_BYTES);
  for (let end = file.length - END_BYTES; end >= lowest; end -= 1) {
    if (file.readUInt32LE(end) !== END_SIGNATURE) continue;
    const locator = end - ZIP64_LOCATOR_BYTES;
    if (locator < 0 || file.readUInt32LE(locator) !== ZIP64_LOCATOR_SIGNATURE) {
      return { count: file.readUInt16LE(end + 10), start: file.readUInt32LE(end + 16) };
    }
    const zip64End = numberAt(file, locator + 8);
    if (zip64End + ZIP64_END_BYTES > file.length || file.readUInt32LE(zip64End) !== ZIP64_END_SIGNATURE) {
      return null;
    }
    return { count: numberAt(file, zip64End + 32), start: numberAt(file, zip64End + 48) };
  }
  return null;
}

function entryAt(file: Buffer, start: number): { entry: ZipEntry; end: number } | null {
  if (start + ENTRY_BYTES > file.length || file.readUInt32LE(start) !== ENTRY_SIGNATURE) return null;
  const nameStart = start + ENTRY_BYTES;
  const extraStart = nameStart + file.readUInt16LE(start + 28);
  const extraEnd = extraStart + file.readUInt16LE(start + 30);
  const end = extraEnd + file.readUInt16LE(start + 32);
  if (end > file.length) return null;
  const sizes = [file.readUInt32LE(start + 24), file.readUInt32LE(start + 20), file.readUInt32LE(start + 42)];
  const [unpackedBytes = 0, packedBytes = 0, headerStart = 0] = sizes.includes(IN_ZIP64_FIELD)
    ? zip64Sizes(file.subarray(extraStart, extraEnd), sizes)
    : sizes;
  const dataStart = dataStartOf(file, headerStart);
  if (dataStart === null || dataStart + packedBytes > file.length) return null;
  const entry: ZipEntry = {
    name: file.toString('utf8', nameStart, extraStart).replaceAll('\\', '/').replace(/^\/+/, ''),
    method: file.readUInt16LE(start + 10),
    isEncrypted: (file.readUInt16LE(start + 8) & ENCRYPTED_FLAG) !== 0,
    packedBytes,
    unpackedBytes,
    headerStart,
    dataStart,
  };
  return { entry, end };
}

/** The sizes that did not fit are in an extra field, in this order, and only those (APPNOTE 4.5.3). */
function zip64Sizes(extra: Buffer, sizes: readonly number[]): number[] {
  for (let start = 0; start + 4 <= extra.length; start += 4 + extra.readUInt16LE(start + 2)) {
    if (extra.readUInt16LE(start) !== ZIP64_FIELD) continue;
    let at = start + 4;
    return sizes.map((size) => {
      if (size !== IN_ZIP64_FIELD || at + 8 > extra.length) return size;
      at += 8;
      return numberAt(extra, at - 8);
    });
  }
  return [...sizes];
}

/** Behind the header at the entry itself, whose name and extra field have lengths of their own. */
function dataStartOf(file: Buffer, headerStart: number): number | null {
  if (headerStart + HEADER_BYTES > file.length) return null;
  if (file.readUInt32LE(headerStart) !== HEADER_SIGNATURE) return null;
  return (
    headerStart + HEADER_BYTES + file.readUInt16LE(headerStart + 26) + file.readUInt16LE(headerStart + 28)
  );
}

/** Above 2^53 it is inexact, and above every limit all the same. */
function numberAt(file: Buffer, start: number): number {
  return Number(file.readBigUInt64LE(start));
}
