import { describe, expect, it } from 'vitest';
import { createCitationChecker } from './citations.js';
import type { CheckedCitation } from './citations.js';

const passages = [
  {
    number: 1,
    text: 'Returns are easy.\n\n- You can return goods within 30 days of delivery.\n- We refund you within 5 working days.',
  },
  {
    number: 2,
    text: '# Shipping\n\nShipping costs 4.90 EUR. Orders above 1,000 EUR ship free. Dr. Miller founded the shop.',
  },
  { number: 7, text: '退货期限为30天。运费由我们承担。' },
];

function check(
  pieces: readonly string[],
  language = 'en',
): { text: string; citations: CheckedCitation[]; quotes: string[] } {
  const checker = createCitationChecker(passages, language);
  const text = [...pieces.map((piece) => checker.push(piece).text), checker.end().text].join('');
  const citations = checker.citations();
  const quotes = citations.map(({ passageNumber, start, end }) =>
    passages.find(({ number }) => number === passageNumber)!.text.slice(start, end),
  );
  return { text, citations, quotes };
}

describe('createCitationChecker', () => {
  it('keeps a marker whose sentence stands in the passage, with the quote', () => {
    const { text, citations, quotes } = check([
      'Shipping costs 4.90 EUR [2]. You may return goods within 30 days. [1]',
    ]);
    expect(text).toBe('Shipping costs 4.90 EUR [1]. You may return goods within 30 days. [2]');
    expect(citations.map(({ index, passageNumber }) => [index, passageNumber])).toEqual([
      [1, 2],
      [2, 1],
    ]);
    expect(quotes).toEqual(['Shipping costs 4.90 EUR.', 'You can return goods within 30 days of delivery.']);
  });

  it.each([
    ['another number', 'You can return goods within 60 days [1].', 'You can return goods within 60 days.'],
    ['part of a number', 'Shipping costs 4 EUR [2].', 'Shipping costs 4 EUR.'],
    ['other words', 'The shop opens every Sunday at noon [1].', 'The shop opens every Sunday at noon.'],
    [
      'too few of its words',
      'Shipping costs our neighbours trouble every summer [2].',
      'Shipping costs our neighbours trouble every summer.',
    ],
    ['the wrong passage', 'Shipping costs 4.90 EUR [1].', 'Shipping costs 4.90 EUR.'],
    ['an unknown passage', 'Shipping costs 4.90 EUR [99][0].', 'Shipping costs 4.90 EUR.'],
    ['no sentence before', '[1] Hello', 'Hello'],
    ['nothing but stop words', 'It is. [1]', 'It is.'],
  ])('drops a marker for %s', (_name, answer, shown) => {
    expect(check([answer])).toEqual({ text: shown, citations: [], quotes: [] });
  });

  it('gives one index to one quote, and shows it once in a place', () => {
    const { text, citations } = check(['Shipping costs 4.90 EUR [2]. Yes, shipping costs 4.90 EUR [2][2].']);
    expect(text).toBe('Shipping costs 4.90 EUR [1]. Yes, shipping costs 4.90 EUR [1].');
    expect(citations).toHaveLength(1);
  });

  it('quotes two neighbouring sentences when one is not enough', () => {
    const { quotes } = check(['Goods are returned within 30 days and we refund within 5 working days [1].']);
    expect(quotes).toEqual([
      'You can return goods within 30 days of delivery.\n- We refund you within 5 working days.',
    ]);
  });

  it('checks the part after a marker in the middle of a sentence', () => {
    const { text } = check(['Goods can be returned within 30 days [1], and shipping costs 4.90 EUR [2].']);
    expect(text).toBe('Goods can be returned within 30 days [1], and shipping costs 4.90 EUR [2].');
  });

  it('does not let a claim hide behind the sentence before it', () => {
    const { text } = check(['Shipping costs 4.90 EUR. Our boss loves purple elephants [2].']);
    expect(text).toBe('Shipping costs 4.90 EUR. Our boss loves purple elephants.');
  });

  it('reads numbers in lists, with thousands and after abbreviations', () => {
    const { text, quotes } = check([
      '1. Orders above 1000 EUR ship free [2]\n2. Dr. Miller founded the shop [2]',
    ]);
    expect(text).toBe('1. Orders above 1000 EUR ship free [1]\n2. Dr. Miller founded the shop [2]');
    expect(quotes).toEqual(['Orders above 1,000 EUR ship free.', 'Dr. Miller founded the shop.']);
  });

  it('works in Chinese', () => {
    const { text, quotes } = check(['退货期限为30天【7】。退货期限为60天[7]。'], 'zh');
    expect(text).toBe('退货期限为30天[1]。退货期限为60天。');
    expect(quotes).toEqual(['退货期限为30天。']);
  });

  it('gives the same for any cut of the stream', () => {
    const answer =
      'Shipping costs 4.90 EUR [2][1]. You can `return[30]` goods within 30 days 【1】, see [here](http://x) [^99] [1, 2]!\n- We refund you within 5 working days [1] [2';
    const whole = check([answer]);
    expect(whole.citations).toHaveLength(3);
    let seed = 7;
    for (let round = 0; round < 200; round += 1) {
      const pieces: string[] = [];
      for (let start = 0; start < answer.length;) {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        const length = round === 0 ? 1 : 1 + (seed % 9);
        pieces.push(answer.slice(start, start + length));
        start += length;
      }
      expect(check(pieces)).toEqual(whole);
    }
  });

  it('keeps up with a long answer', () => {
    const sentence = 'Shipping costs 4.90 EUR [2]. Nobody knows the rest of it. ';
    const { text, citations } = check([sentence.repeat(300)]);
    expect(text).toBe(sentence.replace('[2]', '[1]').repeat(300));
    expect(citations).toHaveLength(1);
  });

  it.each([
    ['five years', true],
    ['5 years', true],
    ['nine years', false],
    ['9 years', false],
  ])('holds numbers that are written out to their value: %s', (duration, isFound) => {
    const text = 'The electric grinder has a warranty of five years.';
    const checker = createCitationChecker([{ number: 1, text }], 'en');
    const shown =
      checker.push(`The electric grinder has a warranty of ${duration} [1].`).text + checker.end().text;
    expect(shown.includes('[1]')).toBe(isFound);
  });
});
