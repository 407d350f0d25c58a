import { splitWords } from './analyzer/words.js';

/** Soft hyphens, zero-width spaces, direction marks. Not the joiners: in Persian and Hindi they are spelling. */
const INVISIBLE = /[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu;
/** NFKC makes another number or word of raised digits, fractions and º: `10²` is not `102`, `nº` is not `no`. */
const COMPATIBLE = /[^\p{No}ªº]+/gu;
const SINGLE_QUOTES = /[‘’‚‛ʼ`´]/gu;
const DOUBLE_QUOTES = /[“”„‟«»]/gu;
const DASHES = /[‐‑‒–—―−]/gu;
/** Opens a Spanish question. */
const LEADING = /^[\s¿¡]+/u;
/** Ends a sentence. Not the signs that are part of a name or an operator: `C#`, `C++`, `5 %`, `"exact"`, `*`, `)`. */
const TRAILING = /[\s.,;:!?…。，、；：！？؟،؛।॥·]+$/u;
const WORD = /[\p{L}\p{M}\p{N}]+/gu;
/** Letters that tell Turkish or Azerbaijani, where the small form of I is ı. */
const TURKISH = /[ğĞıİ]/u;

/**
 * The one spelling of a query that all near-identical ones share: Unicode form, quotes, dashes, white space, case and
 * the punctuation around it. Words, numbers, signs within it and operators stay. A word whose case has structure
 * (`camelCase`) keeps it, since it is searched in its parts. Idempotent.
 * @param language ISO 639-1 of the project, or null: decides what the small form of I is
 */
export function normalizeQuery(query: string, language: string | null): string {
  const composed = query
    .normalize('NFC')
    .replaceAll(INVISIBLE, '')
    .replaceAll(SINGLE_QUOTES, "'")
    .replaceAll(DOUBLE_QUOTES, '"')
    .replaceAll(COMPATIBLE, (part) => part.normalize('NFKC'))
    .replaceAll(DASHES, '-')
    .replaceAll(/\s+/gu, ' ')
    .trim();
  const isTurkish = language === 'tr' || language === 'az' || TURKISH.test(composed);
  const lower = composed.replaceAll(WORD, (word) => lowerUnlessStructured(word, isTurkish));
  const bare = lower.replace(LEADING, '').replace(TRAILING, '');
  return bare === '' ? lower : bare;
}

function lowerUnlessStructured(word: string, isTurkish: boolean): string {
  if (splitWords(word).length > 1) return word;
  return isTurkish ? word.toLocaleLowerCase('tr') : word.toLowerCase();
}
