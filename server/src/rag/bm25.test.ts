import { describe, expect, it } from 'vitest';
import { type Bm25Result, type ScorableSegment, scoreSegments } from './bm25.js';
import { encodePostings } from './postings.js';

/** A segment of chunks given as lists of terms. */
function segment(id: string, chunks: string[][], hidden: number[] = []): ScorableSegment {
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
    hidden:
      hidden.length === 0
        ? null
        : Uint8Array.from(chunks, (_, ordinal) => (hidden.includes(ordinal) ? 1 : 0)),
    postings: new Map(
      Array.from(lists, ([term, list]) => [
        term,
        { documentFrequency: list.length, data: encodePostings(list) },
      ]),
    ),
  };
}

/** Scores at once, in as many steps as it takes. */
function rank(
  segments: ScorableSegment[],
  {
    words,
    limit,
  }: { words: (string | string[] | { forms: string[]; variants: [string, number][] })[]; limit: number },
): Bm25Result & { steps: number } {
  const scoring = scoreSegments(segments, {
    limit,
    words: words.map((word) => {
      if (typeof word === 'string') return { forms: [word] };
      if (Array.isArray(word)) return { forms: word };
      return { forms: word.forms, variants: word.variants.map(([term, weight]) => ({ term, weight })) };
    }),
  });
  for (let steps = 0; ; steps += 1) {
    const { done, value } = scoring.next();
    if (done === true) return { ...value, steps };
  }
}

const chunks = [
  ['red', 'car'],
  ['red', 'red', 'boat', 'sail'],
  ['blue', 'car'],
  ['green', 'tree'],
];

describe('scoreSegments', () => {
  it('gives BM25 with k1 1.2 and b 0.75', () => {
    const { hits, idfSum } = rank([segment('s', chunks)], { words: ['red', 'boat'], limit: 10 });
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
    const query = { words: ['red', 'car', 'tree'], limit: 10 };
    const one = rank([segment('s', chunks)], query);
    const two = rank([segment('a', chunks.slice(0, 2)), segment('b', chunks.slice(2))], query);
    expect(two.idfSum).toBe(one.idfSum);
    expect(
      two.hits.map(({ segmentId, ordinal, score }) => [segmentId === 'a' ? ordinal : ordinal + 2, score]),
    ).toEqual(one.hits.map(({ ordinal, score }) => [ordinal, score]));
  });

  it('leaves out what is hidden', () => {
    const { hits } = rank([segment('s', chunks, [1])], { words: ['red'], limit: 10 });
    expect(hits.map(({ ordinal }) => ordinal)).toEqual([0]);
  });

  it('lets unknown words weigh, and forms of one word count once', () => {
    const index = [segment('s', chunks)];
    const unknown = Math.log(1 + 2 * 504);
    const known = rank(index, { words: ['boat'], limit: 1 }).idfSum;
    expect(rank(index, { words: ['boat', 'ship'], limit: 1 }).idfSum).toBeCloseTo(known + unknown, 10);
    expect(rank(index, { words: [['boat', 'ship'], 'boat'], limit: 1 }).idfSum).toBeCloseTo(known, 10);
    expect(rank(index, { words: ['ship'], limit: 1 })).toMatchObject({ hits: [], idfSum: unknown });
  });

  it('lets only the best form or variant of a word count, and no variant weigh more than the word', () => {
    const index = [segment('s', [...chunks, ['red', 'reddish'], ['reddish', 'x']])];
    const plain = rank(index, { words: ['red'], limit: 10 });
    const word = {
      forms: ['red'],
      variants: [
        ['reddish', 0.4],
        ['absent', 0.3],
      ] as [string, number][],
    };
    const varied = rank(index, { words: [word], limit: 10 });
    expect(varied.idfs).toEqual(plain.idfs);
    const scoreOf = (result: Bm25Result, ordinal: number) =>
      result.hits.find((hit) => hit.ordinal === ordinal)?.score;
    expect(scoreOf(plain, 5)).toBeUndefined();
    expect(scoreOf(varied, 5)).toBeCloseTo(0.4 * (scoreOf(plain, 4) ?? 0), 5);
    expect(scoreOf(varied, 4)).toBe(scoreOf(plain, 4));
  });

  it('gives way after some thousand chunks', () => {
    const many = Array.from({ length: 6_000 }, () => ['word']);
    const segments = [segment('a', many), segment('b', [['word']]), segment('c', many)];
    expect(rank(segments, { words: ['word'], limit: 1 }).steps).toBe(2);
  });

  it('keeps the best of many, equal ones in order', () => {
    const many = Array.from({ length: 200 }, (_, index) => [
      ...Array<string>((index * 37) % 50).fill('filler'),
      'word',
    ]);
    const segments = [segment('a', many), segment('b', many)];
    const all = rank(segments, { words: ['word'], limit: 1_000 }).hits;
    expect(all).toHaveLength(400);
    expect(all.slice(0, 3).map(({ segmentId, ordinal }) => [segmentId, ordinal])).toEqual([
      ['a', 0],
      ['a', 50],
      ['a', 100],
    ]);
    const best = rank(segments, { words: ['word'], limit: 30 }).hits;
    expect(best.map(({ score }) => score)).toEqual(all.slice(0, 30).map(({ score }) => score));
  });

  it('finds nothing without segments', () => {
    expect(rank([], { words: ['red'], limit: 5 })).toMatchObject({ hits: [], idfSum: Math.log(1001) });
  });
});
