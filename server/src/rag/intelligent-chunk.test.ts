import { describe, expect, it } from 'vitest';
import { countTokens } from './count-tokens.js';
import { intelligentChunk } from './intelligent-chunk.js';

function textsOf(text: string, sizes: { maxTokens: number; overlapTokens: number }): string[] {
  return intelligentChunk(text, sizes).map(({ start, end }) => text.slice(start, end));
}

describe('intelligentChunk', () => {
  const text = 'Alpha is one. Beta is two. Gamma is three. Delta is four. Omega is five.';

  it('ends at sentences and repeats whole ones', () => {
    expect(textsOf(text, { maxTokens: 9, overlapTokens: 0 })).toEqual([
      'Alpha is one. Beta is two.',
      'Gamma is three. Delta is four.',
      'Omega is five.',
    ]);
    expect(textsOf(text, { maxTokens: 9, overlapTokens: 5 })).toEqual([
      'Alpha is one. Beta is two.',
      'Beta is two. Gamma is three.',
      'Gamma is three. Delta is four.',
      'Delta is four. Omega is five.',
    ]);
  });

  it('cuts a long sentence between words', () => {
    const sentence = 'one two three four five six seven eight nine ten';
    expect(textsOf(sentence, { maxTokens: 4, overlapTokens: 0 })).toEqual([
      'one two three four',
      'five six seven eight',
      'nine ten',
    ]);
  });

  it('cuts a long word at code points', () => {
    const word = '😀🎉'.repeat(200);
    const parts = textsOf(word, { maxTokens: 10, overlapTokens: 0 });
    expect(parts.join('')).toBe(word);
    expect(parts.every((part) => part.isWellFormed() && countTokens(part) <= 10)).toBe(true);
  });

  it.each([
    ['english', 'The U.S. army, e.g. its 3rd unit, moved on. It cost 3.50 EUR!\nWas it "right"? '.repeat(60)],
    ['chinese', '退货期限为30天，运费由我们承担。可以换货吗？'.repeat(60)],
    ['thai', 'ร้านเปิดทุกวันตั้งแต่เวลาเก้าโมงเช้า จนถึงหกโมงเย็น '.repeat(60)],
    ['no spaces', 'abc-123/'.repeat(700)],
  ])('never exceeds the limit nor loses text: %s', (_name, long) => {
    for (const maxTokens of [7, 40, 120]) {
      const spans = intelligentChunk(long, { maxTokens, overlapTokens: Math.floor(maxTokens / 4) });
      let covered = 0;
      for (const { start, end } of spans) {
        expect(countTokens(long.slice(start, end))).toBeLessThanOrEqual(maxTokens);
        expect(long.slice(covered, Math.max(covered, start)).trim()).toBe('');
        expect(end).toBeGreaterThan(covered);
        covered = end;
      }
      expect(long.slice(covered).trim()).toBe('');
    }
  });

  it('gives nothing for white space, and goes on when one code point exceeds the limit', () => {
    expect(intelligentChunk(' \n ', { maxTokens: 5, overlapTokens: 1 })).toEqual([]);
    expect(textsOf('𒀀𒀀', { maxTokens: 1, overlapTokens: 0 })).toEqual(['𒀀', '𒀀']);
  });
});
