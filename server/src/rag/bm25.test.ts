import { describe, expect, it } from 'vitest';
import { scoreSegments } from './bm25.js';
import type { ScorableSegment } from './bm25.js';
import { encodePostings } from './postings.js';

/** A segment of chunks given as lists of terms. */
function segment(id: string, chunks: string[][], dead: number[] = []): ScorableSegment {
  const lists = new Map<string, { ordinal: number; frequency: number }[]>();
  for (const [ordinal, terms] of chunks.entries()) {
    for (const term of new Set(terms)) {
      const frequency = terms.filter((other) => other === term).length;
      lists.set(term, [...(lists.get(term) ?? []), { ordinal, frequency }]);
    }
  }
  const lengths = Uint16Array.from(chunks, (terms) => terms.length);
  return {
    id,
    documentCount: chunks.length,
    lengthSum: lengths.reduce((sum, length) => sum + length, 0),
    lengths,
    dead,
    postings: new Map(
      Array.from(lists, ([term, list]) => [
        term,
        { documentFrequency: list.length, data: encodePostings(list) },
      ]),
    ),
  };
}

const chunks = [
  ['red', 'car'],
  ['red', 'red', 'boat', 'sail'],
  ['blue', 'car'],
  ['green', 'tree'],
];

describe('scoreSegments', () => {
  it('gives BM25 with k1 1.2 and b 0.75', () => {
    const { hits, idfSum } = scoreSegments([segment('s', chunks)], { terms: ['red', 'boat'], limit: 10 });
    const idfRed = Math.log(1 + 502.5 / 2.5);
    const idfBoat = Math.log(1 + 503.5 / 1.5);
    const long = 1.2 * (0.25 + (0.75 * 4) / 2.5);
    const short = 1.2 * (0.25 + (0.75 * 2) / 2.5);
    expect(idfSum).toBeCloseTo(idfRed + idfBoat, 10);
    expect(hits.map(({ ordinal }) => ordinal)).toEqual([1, 0]);
    expect(hits[0]?.score).toBeCloseTo((idfRed * 2 * 2.2) / (2 + long) + (idfBoat * 2.2) / (1 + long), 5);
    expect(hits[1]?.score).toBeCloseTo((idfRed * 2.2) / (1 + short), 5);
  });

  it('scores many segments as one collection', () => {
    const query = { terms: ['red', 'car', 'tree'], limit: 10 };
    const one = scoreSegments([segment('s', chunks)], query);
    const two = scoreSegments([segment('a', chunks.slice(0, 2)), segment('b', chunks.slice(2))], query);
    expect(two.idfSum).toBe(one.idfSum);
    expect(
      two.hits.map(({ segmentId, ordinal, score }) => [segmentId === 'a' ? ordinal : ordinal + 2, score]),
    ).toEqual(one.hits.map(({ ordinal, score }) => [ordinal, score]));
  });

  it('leaves out the dead', () => {
    const { hits } = scoreSegments([segment('s', chunks, [1])], { terms: ['red'], limit: 10 });
    expect(hits.map(({ ordinal }) => ordinal)).toEqual([0]);
  });

  it('lets unknown words weigh, and forms of one word count once', () => {
    const index = [segment('s', chunks)];
    const unknown = Math.log(1 + 2 * 504);
    const known = scoreSegments(index, { terms: ['boat'], limit: 1 }).idfSum;
    expect(scoreSegments(index, { terms: ['boat', 'ship'], limit: 1 }).idfSum).toBeCloseTo(
      known + unknown,
      10,
    );
    expect(scoreSegments(index, { terms: [['boat', 'ship'], 'boat'], limit: 1 }).idfSum).toBeCloseTo(
      known,
      10,
    );
    expect(scoreSegments(index, { terms: ['ship'], limit: 1 })).toEqual({ hits: [], idfSum: unknown });
  });

  it('keeps the best of many, equal ones in order', () => {
    const many = Array.from({ length: 200 }, (_, index) => [
      ...Array<string>((index * 37) % 50).fill('filler'),
      'word',
    ]);
    const segments = [segment('a', many), segment('b', many)];
    const all = scoreSegments(segments, { terms: ['word'], limit: 1_000 }).hits;
    expect(all).toHaveLength(400);
    expect(all.slice(0, 3).map(({ segmentId, ordinal }) => [segmentId, ordinal])).toEqual([
      ['a', 0],
      ['a', 50],
      ['a', 100],
    ]);
    const best = scoreSegments(segments, { terms: ['word'], limit: 30 }).hits;
    expect(best.map(({ score }) => score)).toEqual(all.slice(0, 30).map(({ score }) => score));
  });

  it('finds nothing without segments', () => {
    expect(scoreSegments([], { terms: ['red'], limit: 5 })).toEqual({ hits: [], idfSum: Math.log(1001) });
  });
});
