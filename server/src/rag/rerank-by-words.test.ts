import { describe, expect, it } from 'vitest';
import { analyzeQueryWords, analyzeText } from './analyzer/analyze.js';
import { rerankByWords } from './rerank-by-words.js';

const IDF = 5;

/** The texts by their new scores, where BM25 has given all of them the same. */
function order(text: string, texts: string[], language = 'en'): string[] {
  const words = analyzeQueryWords(text, [language]).map((forms) => ({ forms, idf: IDF }));
  const candidates = texts.map((own) => ({
    score: 1,
    text: own,
    terms: `\n${analyzeText(own, language).join(' ')}`,
  }));
  const scores = rerankByWords({ text, languages: [language], words }, candidates);
  return texts.toSorted((a, b) => scores[texts.indexOf(b)]! - scores[texts.indexOf(a)]!);
}

describe('rerankByWords', () => {
  it('prefers words that stand together, in their order', () => {
    const apart = `coffee ${'and other good things '.repeat(10)} grinder`;
    const reversed = 'a grinder of coffee';
    const together = 'a coffee grinder for all';
    expect(order('coffee grinder', [apart, reversed, together])).toEqual([together, reversed, apart]);
  });

  it('gives the proximity of the formula', () => {
    const words = [
      { forms: ['red'], idf: 2 },
      { forms: ['car'], idf: 3 },
    ];
    const candidate = { score: 1, text: '', terms: 'red\nred car' };
    const [score] = rerankByWords({ text: '', languages: ['en'], words }, [candidate]);
    // Once beside each other; two pairs within twelve words.
    expect(score).toBeCloseTo(1 + 0.6 * 2 * (1 / 2 + 2 / 3), 10);
    expect(rerankByWords({ text: '', languages: ['en'], words }, [{ ...candidate, terms: null }])).toEqual([
      1,
    ]);
  });

  it('sees parts of words that no stem knows', () => {
    const right = 'Die Spülmaschinenfilter sind neu';
    const wrong = 'Die Kaffeemühlenteller sind neu';
    expect(order('Filter der Spülmaschine', [wrong, right], 'de')).toEqual([right, wrong]);
  });

  it('puts what is quoted, and ids, before what has only their words', () => {
    const spread = 'The return of the long window and the period of a return in which the window is open';
    const exact = 'Of no interest here: a return window, if at all.';
    expect(order('"return window"', [spread, exact])[0]).toBe(exact);
    const other = 'Error 4042 and ERR 77, error ERR-4043: see 4042';
    const id = 'When the pump is blocked it shows ERR-4042 on the display';
    expect(order('what is err-4042', [other, id])[0]).toBe(id);
  });

  it('ends quickly on long questions and long texts', () => {
    const text = 'word '.repeat(2_000);
    expect(
      rerankByWords({ text, languages: ['en'], words: [] }, [{ score: 1, text, terms: text }]),
    ).toHaveLength(1);
    const hostile = `${'a-'.repeat(5_000)}!`;
    expect(
      rerankByWords({ text: hostile, languages: ['en'], words: [] }, [{ score: 1, text: 'a', terms: null }]),
    ).toHaveLength(1);
  });
});
