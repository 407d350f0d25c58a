import { describe, expect, it } from 'vitest';
import { countTokens } from './count-tokens.js';

describe('countTokens', () => {
  it('counts as o200k_base does', () => {
    expect(countTokens('')).toBe(0);
    expect(countTokens('hello world')).toBe(2);
    expect(countTokens('The quick brown fox jumps over the lazy dog.')).toBe(10);
  });

  it('takes special tokens in a text for text', () => {
    expect(countTokens('a<|endoftext|>b')).toBe(9);
  });

  it('counts long runs piece by piece, so that a line of two million characters ends', () => {
    const perPiece = countTokens('a'.repeat(500));
    expect(countTokens('a'.repeat(2_000_000))).toBe(4_000 * perPiece);
    expect(countTokens(' '.repeat(200_000))).toBeLessThan(20_000);
    expect(countTokens(`one ${'b'.repeat(1_001)} two`)).toBe(
      countTokens('one ') + 2 * countTokens('b'.repeat(500)) + countTokens('b') + countTokens(' two'),
    );
  });
});
