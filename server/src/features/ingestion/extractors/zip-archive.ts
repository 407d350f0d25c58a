import { Inflate } from 'fflate';

import { SourceError } from '#kernel/source-error.js';

import { refuseMalformed, refuseTooLarge } from './refuse-file.js';
import { readZipDirectory, type ZipEntry } from './zip-directory.js';

const BYTES_PER_MEBIBYTE = 1024 * 1024;
const MAX_ENTRY_BYTES = 192 * BYTES_PER_MEBIBYTE;
const MAX_UNPACKED_BYTES = 256 * BYTES_PER_MEBIBYTE;
/** A large entry that shrank further than any sheet or text does holds nothing but repetition. */
const MAX_RATIO = 250;
const RATIO_FROM_BYTES = 8 * BYTES_PER_MEBIBYTE;
/** Deflate makes at most 1,032 bytes of one, so that a step unpacks to 16 MiB at the worst. */
const STEP_BYTES = 16_384;
const STORED = 0;
const DEFLATED = 8;

/** The entries of a zip file, unpacked one at a time. Their names are only names: nothing is written anywhere. */
export interface ZipArchive {
  names: readonly string[];
  has: (name: string) => boolean;
  /** The whole entry, or null where there is none. */
  readOrNull: (name: string) => Uint8Array | null;
  /** Hands over the entry piece by piece; a piece is valid until the next one. False where there is none. */
  stream: (name: string, onPiece: (piece: Uint8Array) => void) => boolean;
}

/**
 * Opens a zip file after adding up what it declares: the number of entries, the size of each and of all, how far
 * they shrank, and that no two share a name or a byte. No entry grows beyond the size that it declares.
 * @throws SourceError `too_large`, `malformed_file`, `encrypted`.
 */
export function openZipArchive(bytes: Uint8Array): ZipArchive {
  const entries = readZipDirectory(bytes) ?? refuseMalformed('its table of contents is missing or cut short');
  const byName = new Map<string, ZipEntry>();
  let unpackedBytes = 0;
  for (const entry of entries) {
    if (byName.has(entry.name)) refuseMalformed('it holds two parts of the same name');
    byName.set(entry.name, entry);
    unpackedBytes += entry.unpackedBytes;
    refuseBomb(entry, unpackedBytes);
  }
  refuseOverlap(entries);
  const lowerCased = new Map(entries.map((entry) => [entry.name.toLowerCase(), entry]));
  // Programs are not strict about the case of the names that they write (ECMA-376 part 2, 6.2.2.3).
  const find = (name: string) => byName.get(name) ?? lowerCased.get(name.toLowerCase());
  const stream = (name: string, onPiece: (piece: Uint8Array) => void) => {
    const entry = find(name);
    if (entry !== undefined) unpack(bytes, entry, onPiece);
    return entry !== undefined;
  };
  return {
    names: [...byName.keys()],
    has: (name) => find(name) !== undefined,
    stream,
    readOrNull: (name) => {
      const pieces: Uint8Array[] = [];
      return stream(name, (piece) => pieces.push(piece.slice())) ? joined(pieces) : null;
    },
  };
}

function refuseBomb(entry: ZipEntry, unpackedBytes: number): void {
  const ratio = entry.unpackedBytes / Math.max(1, entry.packedBytes);
  if (entry.unpackedBytes > MAX_ENTRY_BYTES || unpackedBytes > MAX_UNPACKED_BYTES) {
    refuseTooLarge(
      `The document unpacks to more than ${MAX_UNPACKED_BYTES / BYTES_PER_MEBIBYTE} MB, which is too large to read`,
    );
  }
  if (ratio > MAX_RATIO && entry.unpackedBytes > RATIO_FROM_BYTES) {
    refuseTooLarge('A part of the document unpacks to hundreds of times its size, as no text does');
  }
}

function refuseOverlap(entries: readonly ZipEntry[]): void {
  let end = 0;
  for (const entry of entries.toSorted((a, b) => a.headerStart - b.headerStart)) {
    if (entry.headerStart < end) refuseMalformed('two of its parts lie on each other');
    end = entry.dataStart + entry.packedBytes;
  }
}

function unpack(bytes: Uint8Array, entry: ZipEntry, onPiece: (piece: Uint8Array) => void): void {
  if (entry.isEncrypted) {
    throw new SourceError(
      'encrypted',
      'The file is protected by a password. Save a copy without the password and upload that.',
    );
  }
  const packed = bytes.subarray(entry.dataStart, entry.dataStart + entry.packedBytes);
  let unpackedBytes = 0;
  const take = (piece: Uint8Array) => {
    unpackedBytes += piece.byteLength;
    if (unpackedBytes > entry.unpackedBytes) refuseMalformed('a part of it is larger than it says');
    if (piece.byteLength > 0) onPiece(piece);
  };
  if (entry.method === STORED) take(packed);
  else if (entry.method === DEFLATED) inflate(packed, take);
  else refuseMalformed('it is packed in a way that documents are not');
  if (unpackedBytes !== entry.unpackedBytes) refuseMalformed('a part of it is cut short');
}

function inflate(packed: Uint8Array, take: (piece: Uint8Array) => void): void {
  const inflater = new Inflate(take);
  for (let start = 0; start === 0 || start < packed.length; start += STEP_BYTES) {
    const end = start + STEP_BYTES;
    try {
      inflater.push(packed.subarray(start, end), end >= packed.length);
    } catch (error) {
      if (error instanceof SourceError || !isInflateError(error)) throw error;
      refuseMalformed('a part of it cannot be unpacked', error);
    }
  }
}

/** The errors of the unpacker carry a number; those of whoever takes the pieces do not. */
function isInflateError(error: unknown): boolean {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'number';
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 ? pieces[0]! : new Uint8Array(Buffer.concat(pieces));
}
