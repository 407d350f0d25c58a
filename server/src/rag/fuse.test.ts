import { describe, expect, it } from 'vitest';
import { fuse } from './fuse.js';

describe('fuse', () => {
  it('is the lexical score over the sum of idf without a dense leg', () => {
    const lexical = [
      { id: 'a', score: 9 },
      { id: 'b', score: 3 },
    ];
    expect(fuse({ lexical, idfSum: 6, dense: null, limit: 5 })).toEqual([
      { id: 'a', score: 1.2, lexical: 1.2, semantic: null },
      { id: 'b', score: 0.5, lexical: 0.5, semantic: null },
    ]);
    expect(fuse({ lexical, idfSum: 6, dense: null, limit: 1 })).toHaveLength(1);
  });

  it('weighs both legs, the dense one from its lowest cosine', () => {
    const dense = Array.from({ length: 11 }, (_, index) => ({
      id: `d${index}`,
      similarity: 0.9 - index * 0.05,
    }));
    const hits = fuse({ lexical: [{ id: 'd4', score: 4 }], idfSum: 4, dense, alpha: 0.5, limit: 20 });
    // From 0.4, the lowest, to 1: d4 at 0.7 is half way, d0 at 0.9 five sixths.
    expect(hits.slice(0, 2).map(({ id, score }) => [id, Number(score.toFixed(6))])).toEqual([
      ['d4', 0.75],
      ['d0', 0.416667],
    ]);
    expect(hits[0]).toMatchObject({ lexical: 1, semantic: expect.closeTo(0.7, 10) });
    expect(hits.at(-1)).toEqual({
      id: 'd10',
      score: expect.closeTo(0, 10),
      lexical: null,
      semantic: expect.closeTo(0.4, 10),
    });
  });

  it('counts what one leg lacks with the floor of that leg, if the leg is full', () => {
    const input = {
      lexical: [
        { id: 'a', score: 4 },
        { id: 'b', score: 2 },
      ],
      idfSum: 4,
      dense: [{ id: 'c', similarity: 0.5 }],
      alpha: 0.5,
      limit: 3,
    };
    expect(fuse({ ...input, depth: 2 }).map(({ id, score }) => [id, score])).toEqual([
      ['a', 0.5],
      ['c', 0.5],
      ['b', 0.25],
    ]);
    expect(fuse({ ...input, depth: 100 }).map(({ id, score }) => [id, score])).toEqual([
      ['a', 0.5],
      ['b', 0.25],
      ['c', 0.25],
    ]);
  });

  it('takes a weight of .6 for the dense leg by default, and no hits for no hits', () => {
    const [hit] = fuse({ lexical: [], idfSum: 0, dense: [{ id: 'a', similarity: 0.5 }], limit: 1 });
    expect(hit?.score).toBeCloseTo(0.3, 10);
    expect(fuse({ lexical: [], idfSum: 0, dense: [], limit: 5 })).toEqual([]);
  });
});
