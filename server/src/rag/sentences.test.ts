import { describe, expect, it } from 'vitest';
import { splitSentences } from './sentences.js';

function sentencesOf(text: string): string[] {
  return splitSentences(text).map(({ start, end }) => text.slice(start, end));
}

describe('splitSentences', () => {
  it('splits prose, and joins lines of one paragraph', () => {
    expect(sentencesOf('One is here. Two goes\nover a line! Is three a question? ')).toEqual([
      'One is here.',
      'Two goes\nover a line!',
      'Is three a question?',
    ]);
  });

  it.each([
    'Dr. Smith met Prof. Jones of Acme Inc. Berlin on Monday.',
    'Use a tool, e.g. Excel, for this.',
    'Das gilt z.B. Montags und am 3. Oktober für alle.',
    'See No. 5 and Fig. 3 on p. 12 of the book.',
    'J. R. Smith joined the U.S. Army in 1990.',
    'It costs 3.50 EUR at www.example.com today.',
    'Это т.е. Москва и т.д. Всё здесь.',
  ])('keeps "%s" in one', (text) => {
    expect(sentencesOf(text)).toEqual([text]);
  });

  it('still ends a sentence after "No." and after initials before a typical first word', () => {
    expect(sentencesOf('Is it free? No. The price is low.')).toEqual([
      'Is it free?',
      'No.',
      'The price is low.',
    ]);
    expect(sentencesOf('He lives in the U.S. The rest is open.')).toEqual([
      'He lives in the U.S.',
      'The rest is open.',
    ]);
  });

  it('ends at blank lines, headings, list items and table rows', () => {
    const text =
      '# Returns\nWithin 30 days\n\n- by post\n- in the shop\n  near you\n\n| a | b |\n| 1 | 2 |\nend';
    expect(sentencesOf(text)).toEqual([
      '# Returns',
      'Within 30 days',
      '- by post',
      '- in the shop\n  near you',
      '| a | b |',
      '| 1 | 2 |',
      'end',
    ]);
  });

  it('keeps the number of a list item with its text', () => {
    expect(sentencesOf('1. First do this.\n2. Then that.')).toEqual(['1. First do this.', '2. Then that.']);
  });

  it('splits Chinese and Japanese without spaces', () => {
    expect(sentencesOf('退货期限为30天。运费由我们承担！可以换货吗？')).toEqual([
      '退货期限为30天。',
      '运费由我们承担！',
      '可以换货吗？',
    ]);
  });

  it('cuts long Thai text at spaces, as it has no full stops', () => {
    const phrase = 'ร้านของเราเปิดให้บริการทุกวันตั้งแต่เวลาเก้าโมงเช้าจนถึงหกโมงเย็นโดยไม่มีวันหยุดพักระหว่างปีสำหรับลูกค้า';
    expect(sentencesOf(`${phrase} ${phrase} ${phrase}`)).toEqual([phrase, phrase, phrase]);
  });

  it('gives trimmed, rising spans that hold every visible character, at any length', () => {
    const text =
      'Some words here, then more. '.repeat(400) + '\n\n  x  \n' + 'word '.repeat(3_000) + '😀'.repeat(3_000);
    const spans = splitSentences(text);
    expect(
      spans
        .map(({ start, end }) => text.slice(start, end))
        .join('')
        .replaceAll(/\s/gu, ''),
    ).toBe(text.replaceAll(/\s/gu, ''));
    for (const [index, { start, end }] of spans.entries()) {
      const sentence = text.slice(start, end);
      expect(sentence).toBe(sentence.trim());
      expect(sentence.isWellFormed()).toBe(true);
      expect(start).toBeGreaterThanOrEqual(spans[index - 1]?.end ?? 0);
    }
    expect(spans).toHaveLength(401);
  });

  it('does not cut a sentence where a window ends', () => {
    const sentence = `W${'ord '.repeat(99)}end.`;
    expect(sentencesOf(`${sentence} `.repeat(50))).toEqual(Array(50).fill(sentence));
  });

  it('finds nothing in white space', () => {
    expect(splitSentences(' \n\t \u3000\n')).toEqual([]);
  });
});
