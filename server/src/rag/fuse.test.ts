import { describe, expect, it } from 'vitest';
import { type FusedHit, fuse, fuseQueries, inOrder } from './fuse.js';

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

describe('fuseQueries', () => {
  const options = { method: 'convex', alpha: 0.5, limit: 10, minScore: 0 } as const;
  const words = (...scores: [id: string, score: number][]) => scores.map(([id, score]) => ({ id, score }));
  const scoresOf = (hits: FusedHit[]) => hits.map(({ id, score }) => [id, Number(score.toFixed(6))]);

  it('gives a passage the best of its weighted scores', () => {
    const question = { lexical: words(['a', 3], ['b', 2]), idfSum: 4, dense: null, weight: 1 };
    const wording = { lexical: words(['b', 4], ['c', 1], ['a', 1]), idfSum: 4, dense: null, weight: 0.9 };
    expect(scoresOf(fuseQueries([question, wording], options))).toEqual([
      ['b', 0.9],
      ['a', 0.75],
      ['c', 0.225],
    ]);
    expect(scoresOf(fuseQueries([question, wording], { ...options, minScore: 0.75, limit: 1 }))).toEqual([
      ['b', 0.9],
    ]);
    expect(fuseQueries([question, wording], { ...options, minScore: 0.76 })).toHaveLength(1);
  });

  it('orders by reciprocal ranks and deals the scores out along that order', () => {
    const question = {
      lexical: words(['a', 4], ['b', 3], ['c', 2]),
      idfSum: 4,
      dense: [
        { id: 'c', similarity: 0.3 },
        { id: 'b', similarity: 0.2 },
      ],
      weight: 1,
    };
    const convex = scoresOf(fuseQueries([question], options));
    expect(convex.map(([id]) => id)).toEqual(['a', 'b', 'c']);
    const ranked = scoresOf(fuseQueries([question], { ...options, method: 'rrf' }));
    // c: 1/63 + 1/61; b: 1/62 twice; a: 1/61.
    expect(ranked.map(([id]) => id)).toEqual(['c', 'b', 'a']);
    expect(ranked.map(([, score]) => score)).toEqual(convex.map(([, score]) => score));
  });

  it('wants a part of the question, or what it is about', () => {
    const question = { lexical: words(['a', 4], ['b', 3]), idfSum: 4, dense: null, weight: 1 };
    const part = { lexical: words(['b', 2]), idfSum: 2 };
    const needed = fuseQueries([{ ...question, focus: { ...part, isNeeded: true } }], options);
    expect(scoresOf(needed)).toEqual([['b', 0.866025]]);
    const liked = fuseQueries([{ ...question, focus: { ...part, isNeeded: false } }], options);
    expect(scoresOf(liked)).toEqual([
      ['b', 0.875],
      ['a', 0.5],
    ]);
  });

  it('keeps the last of the dense leg, which has nothing above its floor', () => {
    const dense = Array.from({ length: 12 }, (_, index) => ({
      id: `d${index}`,
      similarity: 0.9 - index / 100,
    }));
    const hits = fuseQueries([{ lexical: [], idfSum: 0, dense, weight: 1 }], { ...options, limit: 20 });
    expect(hits.at(-1)).toMatchObject({ id: 'd11', score: 0 });
    expect(hits).toHaveLength(12);
  });
});

describe('inOrder', () => {
  it('puts what is named first, the rest as it was, with the scores of their places', () => {
    const hits = [0.9, 0.6, 0.3].map((score, index) => ({
      id: 'abc'[index] ?? '',
      score,
      lexical: score,
      semantic: null,
    }));
    expect(inOrder(hits, new Map([['c', 1]])).map(({ id, score, lexical }) => [id, score, lexical])).toEqual([
      ['c', 0.9, 0.3],
      ['a', 0.6, 0.9],
      ['b', 0.3, 0.6],
    ]);
  });
});
