/** Characters (UTF-16 units) of a piece. */
export const PIECE_CHARACTERS = 4;

const SLOTS_PER_PIECE = 4;

/**
 * Counts in one pass how often each of some pieces of four characters stands in a text, overlapping ones too: a
 * hundred texts for every question are too many to look for each piece in turn.
 * @returns a function that gives the counts in the order of the pieces, in an array that the next call overwrites
 */
export function createPieceCounter(pieces: readonly string[]): (text: string) => Uint32Array {
  const slotCount = 2 ** Math.ceil(Math.log2(Math.max(1, pieces.length) * SLOTS_PER_PIECE));
  const mask = slotCount - 1;
  /** Of each slot the number of its piece from 1 on; 0: free. */
  const slots = new Uint32Array(slotCount);
  const starts = new Int32Array(pieces.length);
  const ends = new Int32Array(pieces.length);
  const counts = new Uint32Array(pieces.length);
  for (const [index, piece] of pieces.entries()) {
    const start = (piece.charCodeAt(0) << 16) | piece.charCodeAt(1);
    const end = (piece.charCodeAt(2) << 16) | piece.charCodeAt(3);
    starts[index] = start;
    ends[index] = end;
    let slot = hash(start, end) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = index + 1;
  }
  return (text) => {
    counts.fill(0);
    if (text.length < PIECE_CHARACTERS) return counts;
    let start = (text.charCodeAt(0) << 16) | text.charCodeAt(1);
    let end = text.charCodeAt(2);
    for (let at = PIECE_CHARACTERS - 1; at < text.length; at += 1) {
      // The four characters before the next: each moves up by one.
      if (at > PIECE_CHARACTERS - 1) start = (start << 16) | (end >>> 16);
      end = (end << 16) | text.charCodeAt(at);
      for (let slot = hash(start, end) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
        const index = slots[slot]! - 1;
        if (starts[index] !== start || ends[index] !== end) continue;
        counts[index]! += 1;
        break;
      }
    }
    return counts;
  };
}

function hash(start: number, end: number): number {
  const mixed = Math.imul(start, 0x9e3779b1) ^ Math.imul(end, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
