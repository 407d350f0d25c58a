import { describe, expect, it } from 'vitest';
import { buildRAGContext } from './build-rag-context.js';
import { countTokens } from './count-tokens.js';
import type { RetrievedPassage } from './passages.js';

function passage(chunkId: string, text: string, fields: Partial<RetrievedPassage> = {}): RetrievedPassage {
  return { chunkId, documentId: chunkId, title: 'T', heading: null, text, score: 0.5, start: 0, ...fields };
}

const returns = 'You can return goods within thirty days. Send them back in the box they came in.';
const prices = 'Prices include tax. Shipping inside the country is free from fifty euros on.';

describe('buildRAGContext', () => {
  it('numbers the passages, the best first, and counts what they cost', () => {
    const result = buildRAGContext(
      [passage('a', prices, { score: 0.2 }), passage('b', returns, { score: 0.9, heading: 'Returns' })],
      { maxTokens: 1_000 },
    );
    expect(result.passages.map(({ number, chunkId, heading }) => [number, chunkId, heading])).toEqual([
      [1, 'b', 'Returns'],
      [2, 'a', null],
    ]);
    const tokens = [returns, 'T', 'Returns', prices, 'T'].map((text) => countTokens(text));
    expect(result.tokenCount).toBe(tokens.reduce((sum, count) => sum + count, 0) + 2 * 32);
  });

  it('drops what says the same as a better passage', () => {
    const same = returns.replace('You can', 'You  can').toUpperCase();
    const result = buildRAGContext(
      [passage('a', returns, { score: 0.9 }), passage('b', same), passage('c', prices)],
      {
        maxTokens: 1_000,
      },
    );
    expect(result.passages.map(({ chunkId }) => chunkId)).toEqual(['a', 'c']);
  });

  it('takes as many as it may, not counting what says the same', () => {
    const offered = [
      passage('a', returns, { score: 0.9 }),
      passage('b', returns, { score: 0.8 }),
      passage('c', prices, { score: 0.7 }),
      passage('d', 'We are closed on Sundays, and on the first day of the year.', { score: 0.6 }),
    ];
    const result = buildRAGContext(offered, { maxTokens: 1_000, maxPassages: 2 });
    expect(result.passages.map(({ chunkId, number }) => [chunkId, number])).toEqual([
      ['a', 1],
      ['c', 2],
    ]);
  });

  it('keeps of two overlapping passages of one document only what is new in the weaker', () => {
    const content = `${returns} ${prices} Ask us for more, we like to help you at any time of the day.`;
    const middle = content.indexOf('Shipping');
    const first = passage('a', content.slice(0, middle).trim(), { documentId: 'd', score: 0.9 });
    const tail = { documentId: 'd', start: returns.length + 1 };
    const result = buildRAGContext([first, passage('b', content.slice(tail.start), tail)], {
      maxTokens: 1_000,
    });
    expect(
      result.passages.map(({ chunkId, start, text }) => [chunkId, content.slice(start, start + text.length)]),
    ).toEqual([
      ['a', first.text],
      ['b', content.slice(middle)],
    ]);
    expect(result.passages[1]?.text).toBe(content.slice(middle));
    const inside = passage('c', content.slice(5, 60), { documentId: 'd', start: 5 });
    expect(buildRAGContext([first, inside], { maxTokens: 1_000 }).passages).toHaveLength(1);
    const elsewhere = { ...inside, documentId: 'other', text: prices };
    expect(buildRAGContext([first, elsewhere], { maxTokens: 1_000 }).passages).toHaveLength(2);
  });

  it('skips a passage that does not fit and takes a smaller one', () => {
    const result = buildRAGContext(
      [
        passage('a', returns, { score: 0.9 }),
        passage('b', 'Many different words stand here. '.repeat(50), { score: 0.8 }),
        passage('c', prices, { score: 0.7 }),
      ],
      { maxTokens: 122 },
    );
    expect(result.passages.map(({ chunkId, number }) => [number, chunkId])).toEqual([
      [1, 'a'],
      [2, 'c'],
    ]);
    expect(result.tokenCount).toBeLessThanOrEqual(122);
  });

  it('cuts only the first, at a sentence', () => {
    const long = `${returns} ${prices}`;
    const result = buildRAGContext([passage('a', long)], { maxTokens: 53 });
    expect(result.passages.map(({ text }) => text)).toEqual([returns]);
    expect(buildRAGContext([passage('a', long)], { maxTokens: 34 })).toEqual({ passages: [], tokenCount: 0 });
  });
});
