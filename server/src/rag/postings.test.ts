import { describe, expect, it } from 'vitest';
import { decodePostings, encodePostings } from './postings.js';

function decode(bytes: Uint8Array): [number, number][] {
  const list: [number, number][] = [];
  decodePostings(bytes, (ordinal, frequency) => list.push([ordinal, frequency]));
  return list;
}

describe('postings', () => {
  it('writes gaps as varints and a byte of frequency', () => {
    const bytes = encodePostings([
      { ordinal: 0, frequency: 1 },
      { ordinal: 5, frequency: 300 },
      { ordinal: 205, frequency: 2 },
    ]);
    expect([...bytes]).toEqual([0, 1, 5, 255, 0xc8, 0x01, 2]);
  });

  it('reads what it wrote', () => {
    const list = [0, 1, 127, 128, 16_383, 16_384, 3_000_000, 2_147_483_647].map((ordinal, index) => ({
      ordinal,
      frequency: index * 40 + 1,
    }));
    expect(decode(encodePostings(list))).toEqual(
      list.map(({ ordinal, frequency }) => [ordinal, Math.min(frequency, 255)]),
    );
    expect(decode(encodePostings([]))).toEqual([]);
  });

  it('refuses ordinals that do not rise, and bytes that end early', () => {
    const twice = [3, 3].map((ordinal) => ({ ordinal, frequency: 1 }));
    expect(() => encodePostings(twice)).toThrow(RangeError);
    expect(() => decode(Uint8Array.of(4))).toThrow(RangeError);
    expect(() => decode(Uint8Array.of(0x80))).toThrow(RangeError);
  });
});
