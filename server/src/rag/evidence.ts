import { analyzeText } from './analyzer/analyze.js';
import { prepareWord } from './analyzer/fold.js';
import { numberOfWord } from './number-words.js';
import { splitSentences } from './sentences.js';
import type { Span } from './sentences.js';

/** A sentence of a passage as it can be compared and quoted; offsets without list and heading marks. */
export interface EvidenceSentence extends Span {
  terms: ReadonlySet<string>;
  numbers: ReadonlySet<string>;
}

/** The share of a claim that a quote must hold. */
const SUFFICIENT_COVERAGE = 0.6;
/** What a second sentence must add to be quoted with the first. */
const WORTHWHILE_GAIN = 0.15;

const LINE_MARK = /^(?:(?:[-*+•‣–>]|\d{1,3}[.)]|#{1,6})[ \t]+|\|[ \t]*)+/u;
const TABLE_END = /[ \t]*\|$/u;
const NUMBER = /\d+(?:[.,:/'’]\d+)*/gu;
const LETTERS = /\p{L}+/gu;
const THOUSANDS = /(?<=\d)[,'’](?=\d{3}(?!\d))/gu;

export function evidenceOf(text: string, language: string): EvidenceSentence[] {
  return splitSentences(text).map((sentence) => {
    const span = sentenceBody(text, sentence);
    const body = text.slice(span.start, span.end);
    return Object.assign(span, {
      terms: new Set(analyzeText(body, language)),
      numbers: numbersOf(body, language),
    });
  });
}

/** A sentence without the mark of its list item, heading or quote and without the pipes around a table row. */
export function sentenceBody(text: string, sentence: Span): Span {
  const content = text.slice(sentence.start, sentence.end);
  const mark = LINE_MARK.exec(content)?.[0].length ?? 0;
  const end = content.length - (TABLE_END.exec(content.slice(mark))?.[0].length ?? 0);
  if (mark >= end) return { ...sentence };
  return { start: sentence.start + mark, end: sentence.start + end };
}

/** The numbers of a text in digits, written out or not, without the commas and apostrophes between thousands. */
function numbersOf(text: string, language: string): Set<string> {
  const ascii = prepareWord(text.normalize('NFKC'), 'und');
  const numbers = new Set(Array.from(ascii.matchAll(NUMBER), ([number]) => number.replaceAll(THOUSANDS, '')));
  for (const [word] of text.matchAll(LETTERS)) {
    const number = numberOfWord(word.toLowerCase(), language);
    if (number !== null) numbers.add(number);
  }
  return numbers;
}

/** Long words say more than short ones; two characters of Chinese more than one. */
function termWeight(term: string): number {
  return Math.log2(1 + term.length);
}

/**
 * Where a passage says what a claim says: the sentence, or two neighbours, that hold most of the claim's terms and
 * all of its numbers. Null when no place holds enough.
 */
export function locateClaim(
  claim: string,
  sentences: readonly EvidenceSentence[],
  language: string,
): Span | null {
  const terms = new Set(analyzeText(claim, language));
  const numbers = numbersOf(claim, language);
  const total = sumWeights(terms);
  if (total === 0) return null;

  let single: { span: Span; coverage: number } | null = null;
  let pair: { span: Span; coverage: number } | null = null;
  for (const [index, sentence] of sentences.entries()) {
    const own = coverageOf(terms, total, [sentence]);
    if (holdsAll(numbers, [sentence]) && own > (single?.coverage ?? 0)) {
      single = { span: { start: sentence.start, end: sentence.end }, coverage: own };
    }
    const next = sentences[index + 1];
    if (next === undefined || !holdsAll(numbers, [sentence, next])) continue;
    const both = coverageOf(terms, total, [sentence, next]);
    if (both > (pair?.coverage ?? 0)) {
      pair = { span: { start: sentence.start, end: next.end }, coverage: both };
    }
  }
  const isSingleEnough = single !== null && single.coverage >= SUFFICIENT_COVERAGE;
  if (single !== null && isSingleEnough && (pair?.coverage ?? 0) < single.coverage + WORTHWHILE_GAIN) {
    return single.span;
  }
  return pair !== null && pair.coverage >= SUFFICIENT_COVERAGE ? pair.span : null;
}

function coverageOf(
  terms: ReadonlySet<string>,
  total: number,
  sentences: readonly EvidenceSentence[],
): number {
  let matched = 0;
  for (const term of terms) {
    if (sentences.some((sentence) => sentence.terms.has(term))) matched += termWeight(term);
  }
  return matched / total;
}

function holdsAll(numbers: ReadonlySet<string>, sentences: readonly EvidenceSentence[]): boolean {
  for (const number of numbers) {
    if (!sentences.some((sentence) => sentence.numbers.has(number))) return false;
  }
  return true;
}

function sumWeights(terms: ReadonlySet<string>): number {
  let sum = 0;
  for (const term of terms) sum += termWeight(term);
  return sum;
}
