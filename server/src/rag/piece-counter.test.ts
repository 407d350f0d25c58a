import { describe, expect, it } from 'vitest';
import { createPieceCounter } from './piece-counter.js';

describe('createPieceCounter', () => {
  it('counts pieces, overlapping ones too', () => {
    const count = createPieceCounter([' aut', 'auto', 'aaaa', 'uto ', 'none', '漢字かな', '𝒳𝒳']);
    expect([...count(' auto automat aaaaaa autos 漢字かな 𝒳𝒳𝒳')]).toEqual([3, 3, 3, 1, 0, 1, 2]);
    expect([...count(' aut')]).toEqual([1, 0, 0, 0, 0, 0, 0]);
    expect([...count('aut')]).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect([...createPieceCounter([])('some text')]).toEqual([]);
  });

  it('counts what looking for each piece counts', () => {
    const text = Array.from({ length: 3_000 }, (_, index) => 'abcde é'[(index * index * 7 + index) % 7]).join(
      '',
    );
    const pieces = [...new Set(Array.from({ length: 400 }, (_, at) => text.slice(at * 3, at * 3 + 4)))];
    const expected = pieces.map((piece) => {
      let found = 0;
      for (let at = text.indexOf(piece); at !== -1; at = text.indexOf(piece, at + 1)) found += 1;
      return found;
    });
    expect([...createPieceCounter(pieces)(text)]).toEqual(expected);
  });
});
