import { createHash } from 'node:crypto';

/**
 * A vector of length 1 from the words of a text: each word adds or takes 1 at a place that its hash names. The
 * same text gives the same vector, and texts that share words are near.
 */
export function embedByWords(text: string, dimensions: number): number[] {
  const vector: number[] = Array.from({ length: dimensions }, () => 0);
  for (const word of wordsOf(text)) {
    const hash = createHash('sha256').update(word).digest();
    const place = hash.readUInt32BE(0) % dimensions;
    vector[place] = (vector[place] ?? 0) + (hash.readUInt8(4) % 2 === 0 ? 1 : -1);
  }
  const length = Math.hypot(...vector);
  if (length > 0) return vector.map((value) => value / length);
  // A text without words still has a direction.
  vector[0] = 1;
  return vector;
}

/** The words of a text in lower case: letters and digits in a row. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
