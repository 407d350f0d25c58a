export interface Posting {
  /** Position of the chunk in its segment, from 0, below 2^31. */
  ordinal: number;
  /** How often the term stands in the chunk. */
  frequency: number;
}

const HIGHEST_FREQUENCY = 255;

/**
 * A posting list as bytes: for each posting the distance to the ordinal before it (LEB128 varint; the first: the
 * ordinal itself), then the frequency in one byte, clamped to 255.
 * @throws RangeError when the ordinals do not rise.
 */
export function encodePostings(list: readonly Posting[]): Uint8Array {
  const bytes: number[] = [];
  let previous = 0;
  for (const [index, { ordinal, frequency }] of list.entries()) {
    let gap = ordinal - previous;
    if (gap < 0 || (gap === 0 && index > 0)) throw new RangeError(`ordinal ${ordinal} does not rise`);
    while (gap >= 0x80) {
      bytes.push((gap & 0x7f) | 0x80);
      gap >>>= 7;
    }
    bytes.push(gap, Math.min(Math.max(frequency, 1), HIGHEST_FREQUENCY));
    previous = ordinal;
  }
  return Uint8Array.from(bytes);
}

/** Calls `visit` for each posting in order. @throws RangeError when the bytes end inside a posting. */
export function decodePostings(bytes: Uint8Array, visit: (ordinal: number, frequency: number) => void): void {
  let ordinal = 0;
  let offset = 0;
  while (offset < bytes.length) {
    let gap = 0;
    let shift = 0;
    let byte = bytes[offset]!;
    while (byte >= 0x80) {
      gap |= (byte & 0x7f) << shift;
      shift += 7;
      offset += 1;
      if (offset >= bytes.length) throw new RangeError('posting list ends inside an ordinal');
      byte = bytes[offset]!;
    }
    gap |= byte << shift;
    ordinal += gap;
    const frequency = bytes[offset + 1];
    if (frequency === undefined) throw new RangeError('posting list ends before a frequency');
    visit(ordinal, frequency);
    offset += 2;
  }
}
