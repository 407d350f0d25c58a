const SHINGLE_WORDS = 3;
const FINGERPRINT_BITS = 64;
const MAX_DISTANCE_BITS = 6;

/** Scripts without spaces count by character, all others by word. */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|[\p{L}\p{M}]+/gu;

/**
 * The simhash of a text as 16 hexadecimal digits (Charikar 2002, over runs of three words): texts that differ little
 * differ in few bits. Addresses, paths and digits do not count, because an error page repeats the address it was asked for.
 */
export function textFingerprint(content: string): string {
  const words =
    content
      .toLowerCase()
      .replace(/(?<!\S)(?:https?:|www\.|\/)\S+|\d+/g, ' ')
      .match(WORD) ?? [];
  const balance = new Int32Array(FINGERPRINT_BITS);
  for (let start = 0; start === 0 || start + SHINGLE_WORDS <= words.length; start += 1) {
    const [high, low] = hashOf(words.slice(start, start + SHINGLE_WORDS).join(' '));
    for (let bit = 0; bit < FINGERPRINT_BITS; bit += 1) {
      const half = bit < 32 ? high : low;
      balance[bit] = (balance[bit] ?? 0) + ((half >>> (31 - (bit % 32))) & 1 ? 1 : -1);
    }
  }
  return Array.from({ length: FINGERPRINT_BITS / 4 }, (_digit, index) =>
    [...balance.subarray(index * 4, index * 4 + 4)]
      .reduce((digit, sum) => digit * 2 + (sum > 0 ? 1 : 0), 0)
      .toString(16),
  ).join('');
}

/** Whether two fingerprints of `textFingerprint` differ in six bits at most. */
export function isSimilarText(a: string, b: string): boolean {
  let distance = 0;
  for (let index = 0; index < FINGERPRINT_BITS / 4; index += 1) {
    let bits = Number.parseInt(a.charAt(index), 16) ^ Number.parseInt(b.charAt(index), 16);
    for (; bits > 0; bits &= bits - 1) distance += 1;
  }
  return distance <= MAX_DISTANCE_BITS;
}

/** 64 well-mixed bits in two halves: the public-domain hash cyrb53 by bryc, without its cut to 53 bits. */
function hashOf(text: string): [high: number, low: number] {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return [high >>> 0, low >>> 0];
}
