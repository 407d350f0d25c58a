const UTF16_SAMPLE_BYTES = 4_096;

/**
 * Decodes text of any charset. A byte order mark wins, then the declared charset, then strict UTF-8, then
 * UTF-16 by its pattern of zero bytes, and at last windows-1252, in which every byte means something.
 */
export function decodeText(bytes: Uint8Array, declaredCharset: string | null): string {
  const marked = charsetOfByteOrderMark(bytes);
  if (marked !== null) return new TextDecoder(marked).decode(bytes);
  const declared = declaredCharset === null ? null : decodeAs(bytes, declaredCharset);
  if (declared !== null) return declared;
  const guessed = charsetOfZeroBytes(bytes);
  if (guessed !== null) return new TextDecoder(guessed).decode(bytes);
  return decodeAs(bytes, 'utf-8') ?? decodeWindows1252(bytes);
}

/** The charset parameter of a media type, or null: `text/html; charset="utf-8"` → `utf-8`. */
export function charsetOfMediaType(mediaType: string | null): string | null {
  return /;\s*charset\s*=\s*["']?([\w:.-]+)/i.exec(mediaType ?? '')?.[1] ?? null;
}

/** The text in the declared charset, or null when the charset is unknown or the bytes are not in it. */
function decodeAs(bytes: Uint8Array, charset: string): string | null {
  try {
    const decoder = new TextDecoder(charset, { fatal: true });
    // Node 20's windows-1252 decoder is really latin-1: it turns curly quotes into control characters.
    return decoder.encoding === 'windows-1252' ? decodeWindows1252(bytes) : decoder.decode(bytes);
  } catch {
    return null;
  }
}

function charsetOfByteOrderMark(bytes: Uint8Array): string | null {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return null;
}

/** UTF-16 without a mark: in most languages every second byte of the markup and the spaces is zero. */
function charsetOfZeroBytes(bytes: Uint8Array): string | null {
  const length = Math.min(bytes.length, UTF16_SAMPLE_BYTES) & ~1;
  if (length < 4 || bytes.length % 2 === 1) return null;
  let evenZeros = 0;
  let oddZeros = 0;
  for (let index = 0; index < length; index += 2) {
    if (bytes[index] === 0) evenZeros += 1;
    if (bytes[index + 1] === 0) oddZeros += 1;
  }
  const many = length * 0.2;
  if (oddZeros > many && evenZeros === 0) return 'utf-16le';
  if (evenZeros > many && oddZeros === 0) return 'utf-16be';
  return null;
}

/** 0x80–0x9f of windows-1252 (WHATWG Encoding Standard, index-windows-1252); the rest is latin-1. */
const WINDOWS_1252_HIGH = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

function decodeWindows1252(bytes: Uint8Array): string {
  return repairControls(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'));
}

/** Windows-1252 that was read as latin-1: curly quotes and dashes in place of the control characters U+0080–9F. */
export function repairControls(text: string): string {
  return text.replace(
    /[\u0080-\u009f]/g,
    (character) => WINDOWS_1252_HIGH[character.charCodeAt(0) - 0x80] ?? '',
  );
}
