import { analyzeText } from './analyzer/analyze.js';
import { prepareWord } from './analyzer/fold.js';
import { numberOfWord } from './number-words.js';

/** A number as a text uses it: in digits, with what it counts. */
export interface Figure {
  value: string;
  /** A currency, `%`, or the term of the word beside it; null where nothing is. */
  unit: string | null;
}

const NUMBER = /\d+(?:[.,:/'’]\d+)*|\p{L}[\p{L}\p{M}]*/gu;
const GROUPED_BY_COMMA = /(?<=\d)[,'’](?=\d{3}(?!\d))/gu;
const GROUPED_BY_POINT = /^\d{1,3}(?:\.\d{3})+(?:,\d+)?$/u;
const GROUPED_BY_SPACE = /(?<=\d)[\u00a0\u202f](?=\d{3}(?!\d))|(?<=\b\d{1,3}) (?=000\b)/gu;
const DECIMAL_COMMA = /^(\d+),(\d{1,2})$/u;
/** Where `1.000` is a thousand and `4,90` is not quite five. */
const COMMA_LANGUAGES = new Set(
  'de fr es it pt nl ru uk pl cs sk sv da no nb fi tr el ro hu id vi hr bg'.split(' '),
);

const UNIT_AFTER = /^[ \u00a0\u202f-]?([€$£¥₹₽฿%٪°]|\p{L}[\p{L}\p{M}]*)/u;
const UNIT_BEFORE = /([€$£¥₹₽฿]|\b(?:EUR|USD|GBP|CHF|JPY|INR|US\$))[ \u00a0\u202f]?$/u;
const LONGEST_UNIT_CHARACTERS = 24;

/** Names of what is also written as a sign, by language-neutral beginnings of the word in lower case. */
const SIGNS: readonly [sign: string, words: RegExp][] = [
  ['€', /^(?:€|eur|euros?|евро|يورو|यूरो|欧元|ユーロ|ยูโร)/u],
  ['$', /^(?:\$|usd|us\$|dollars?|dólar|dolar|доллар|دولار|डॉलर|美元|ドル|ดอลลาร์|đô)/u],
  ['£', /^(?:£|gbp|pounds?|pfund|libras?|фунт)/u],
  ['¥', /^(?:¥|jpy|yen|иен)/u],
  ['%', /^(?:[%٪]|per ?cent|prozent|pour ?cent|porcentaje|процент)/u],
];

/**
 * The figures of a text, written out or not, in one form: ASCII digits, no marks between thousands, the decimal
 * mark a point. What stands behind a number (or a currency before it) is its unit.
 */
export function figuresOf(text: string, language: string): Figure[] {
  const ascii = prepareWord(text.normalize('NFKC'), 'und').replaceAll(GROUPED_BY_SPACE, '');
  const figures: Figure[] = [];
  for (const match of ascii.matchAll(NUMBER)) {
    const [word] = match;
    const value = /^\d/u.test(word)
      ? canonicalNumber(word, language)
      : numberOfWord(word.toLowerCase(), language);
    if (value === null) continue;
    const before = UNIT_BEFORE.exec(ascii.slice(Math.max(0, match.index - 8), match.index))?.[1];
    const end = match.index + word.length;
    const after = UNIT_AFTER.exec(ascii.slice(end, end + LONGEST_UNIT_CHARACTERS))?.[1];
    figures.push({ value, unit: unitOf(before ?? after, language) });
  }
  return figures;
}

function canonicalNumber(digits: string, language: string): string {
  let number = digits;
  if (COMMA_LANGUAGES.has(language)) {
    if (GROUPED_BY_POINT.test(number)) number = number.replaceAll('.', '');
    number = number.replace(DECIMAL_COMMA, '$1.$2');
  }
  return number.replaceAll(GROUPED_BY_COMMA, '').replace(/^0+(?=\d)/u, '');
}

function unitOf(text: string | undefined, language: string): string | null {
  if (text === undefined) return null;
  const lower = text.toLowerCase();
  const sign = SIGNS.find(([, words]) => words.test(lower))?.[0];
  return sign ?? analyzeText(text, language)[0] ?? null;
}
