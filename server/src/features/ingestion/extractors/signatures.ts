import { readZipDirectory } from './zip-directory.js';

interface Signature {
  name: string;
  bytes: number[];
  offset?: number;
}

/** What a file of another kind is by its first bytes: enough to tell its owner. */
const BINARY_SIGNATURES: Signature[] = [
  { name: 'a PNG image', bytes: [0x89, 0x50, 0x4e, 0x47] },
  { name: 'a JPEG image', bytes: [0xff, 0xd8, 0xff] },
  { name: 'a GIF image', bytes: [0x47, 0x49, 0x46, 0x38] },
  { name: 'a TIFF image', bytes: [0x49, 0x49, 0x2a, 0x00] },
  { name: 'a TIFF image', bytes: [0x4d, 0x4d, 0x00, 0x2a] },
  { name: 'a media file', bytes: [0x52, 0x49, 0x46, 0x46] },
  { name: 'a media file', bytes: [0x66, 0x74, 0x79, 0x70], offset: 4 },
  { name: 'an audio file', bytes: [0x49, 0x44, 0x33] },
  { name: 'a gzip archive', bytes: [0x1f, 0x8b] },
  { name: 'a 7-Zip archive', bytes: [0x37, 0x7a, 0xbc, 0xaf] },
  { name: 'a RAR archive', bytes: [0x52, 0x61, 0x72, 0x21] },
  { name: 'a program', bytes: [0x7f, 0x45, 0x4c, 0x46] },
  { name: 'a program', bytes: [0x4d, 0x5a] },
  { name: 'a database', bytes: [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65] },
];
/** Formats that are written in letters and yet are no text to read. */
const ENCODED_TEXT_SIGNATURES: Signature[] = [
  { name: 'a Rich Text (.rtf) file', bytes: [0x7b, 0x5c, 0x72, 0x74, 0x66] },
  { name: 'a PostScript file', bytes: [0x25, 0x21, 0x50, 0x53] },
];
const OLE_SIGNATURE = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
const ZIP_SIGNATURES = [
  [0x50, 0x4b, 0x03, 0x04],
  [0x50, 0x4b, 0x05, 0x06],
];
const PDF_HEADER = Buffer.from('%PDF-');
/** Readers accept the header anywhere in the first 1,024 bytes (ISO 32000-1, annex H.3, note 13). */
const PDF_HEADER_WINDOW_BYTES = 1_024;
const ENCRYPTED_PACKAGE = Buffer.from('EncryptedPackage', 'utf16le');

/** What a file that is no text is, in words: `a PNG image`. Null when its bytes say nothing. */
export function describeBinary(bytes: Uint8Array): string | null {
  return findSignature(BINARY_SIGNATURES, bytes)?.name ?? null;
}

/** What a file is that looks like text, or is a container, and cannot be read as text; else null. */
export function describeContainer(bytes: Uint8Array): string | null {
  if (isZipFile(bytes)) return 'a zip archive of another kind';
  return findSignature(ENCODED_TEXT_SIGNATURES, bytes)?.name ?? null;
}

export function hasPdfHeader(bytes: Uint8Array): boolean {
  return Buffer.from(
    bytes.buffer,
    bytes.byteOffset,
    Math.min(bytes.length, PDF_HEADER_WINDOW_BYTES),
  ).includes(PDF_HEADER);
}

function isZipFile(bytes: Uint8Array): boolean {
  return ZIP_SIGNATURES.some((signature) => hasBytes(bytes, signature, 0));
}

/** Whether the zip's directory lists this entry; nothing is unpacked. A broken directory lists nothing. */
export function isZipWith(bytes: Uint8Array, entryName: string): boolean {
  return isZipFile(bytes) && (readZipDirectory(bytes) ?? []).some(({ name }) => name === entryName);
}

/** Office keeps a password-protected document inside an OLE file (MS-OFFCRYPTO 2.3.4). */
export function isEncryptedOfficeFile(bytes: Uint8Array): boolean {
  return (
    isOleFile(bytes) && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(ENCRYPTED_PACKAGE)
  );
}

/** The container of Office before 2007 (MS-CFB). */
export function isOleFile(bytes: Uint8Array): boolean {
  return hasBytes(bytes, OLE_SIGNATURE, 0);
}

function findSignature(signatures: Signature[], bytes: Uint8Array): Signature | undefined {
  return signatures.find((signature) => hasBytes(bytes, signature.bytes, signature.offset ?? 0));
}

function hasBytes(bytes: Uint8Array, expected: number[], offset: number): boolean {
  return expected.every((byte, index) => bytes[offset + index] === byte);
}
