import { codePointStart } from '#rag/code-points.js';
import { foldWord, lowerCase, prepareWord } from './fold.js';
import { cjkTerms, southEastAsianTerms, splitScripts } from './scripts.js';
import { stem } from './stem.js';
import { stopWords } from './stop-words.js';
import { splitWords } from './words.js';
import type { Word } from './words.js';

/** Rises whenever the same text gives other terms: segments written by another version are built anew. */
export const ANALYZER_VERSION = 2;

const LONGEST_TERM_CHARACTERS = 64;
const QUERY_LANGUAGES = 4;
/** English keeps `o'brien`; elsewhere a short word before an apostrophe is an article: `l'`, `d'`, `qu'`. */
const ELISION = /^\p{L}{1,2}'(?=\p{L})/u;

/** The index terms of a text in order, with repetitions. `language`: ISO 639-1, or `und` for no stemming. */
export function analyzeText(text: string, language: string): string[] {
  return splitWords(text).flatMap((word) => termsOf(word, language, stopWords(language)));
}

/** The distinct terms of a question: those of up to 4 languages together, the first being the likeliest. */
export function analyzeQuery(text: string, languages: readonly string[]): string[] {
  return [...new Set(analyzeQueryWords(text, languages).flat())];
}

/**
 * The same terms word by word: each list holds the forms that one word of the question takes in the languages, so
 * that a ranker can count them as one word. Stop words are left out, unless there is nothing else.
 */
export function analyzeQueryWords(text: string, languages: readonly string[]): string[][] {
  const used = languages.length === 0 ? ['und'] : languages.slice(0, QUERY_LANGUAGES);
  const words = splitWords(text);
  const meaningful = queryForms(words, used, true);
  return meaningful.length > 0 ? meaningful : queryForms(words, used, false);
}

function queryForms(
  words: readonly Word[],
  languages: readonly string[],
  skipsStopWords: boolean,
): string[][] {
  const seen = new Set<string>();
  const result: string[][] = [];
  for (const word of words) {
    const perLanguage = languages.map((language) =>
      termsOf(word, language, skipsStopWords ? stopWords(language) : NO_STOP_WORDS),
    );
    // What is a stop word in the likeliest language is none of the question's words in another.
    const first = perLanguage[0] ?? [];
    // Characters and pairs are the same in every language.
    const isOneWord = perLanguage.every((terms) => terms.length <= 1);
    for (const term of first) {
      const forms = isOneWord ? perLanguage.flat() : [term];
      const fresh = [...new Set(forms)].filter((form) => !seen.has(form));
      for (const form of fresh) seen.add(form);
      if (fresh.length > 0) result.push(fresh);
    }
  }
  return result;
}

const NO_STOP_WORDS: ReadonlySet<string> = new Set();

function termsOf(word: Word, language: string, stops: ReadonlySet<string>): string[] {
  const lower = prepareWord(lowerCase(word.text, language), language);
  if (word.kind === 'identifier') return [cut(foldWord(lower, language))];
  const runs = splitScripts(lower);
  if (runs === null) return spacedTerm(lower, language, stops);
  return runs.flatMap(({ script, text }) => {
    if (script === null) return spacedTerm(text, language, stops);
    if (script === 'cjk') {
      return cjkTerms(text).filter((term) => !Array.from(term).every((character) => stops.has(character)));
    }
    const { words, triples } = southEastAsianTerms(text, language);
    return words
      .filter((part) => !stops.has(part))
      .map(cut)
      .concat(triples);
  });
}

function spacedTerm(word: string, language: string, stops: ReadonlySet<string>): string[] {
  if (stops.has(word)) return [];
  const bare = bareWord(word, language);
  if (bare === '' || stops.has(bare)) return [];
  const short = cut(bare);
  const term = foldWord(stem(short, language), language);
  // The Greek list has no accents, so that its words are compared as terms.
  if (language === 'el' && stops.has(term)) return [];
  return [cut(term)];
}

function bareWord(word: string, language: string): string {
  if (!word.includes("'")) return word;
  const owner = word.endsWith("'s") ? word.slice(0, -2) : word;
  return language === 'en' ? owner : owner.replace(ELISION, '');
}

function cut(term: string): string {
  return term.length <= LONGEST_TERM_CHARACTERS
    ? term
    : term.slice(0, codePointStart(term, LONGEST_TERM_CHARACTERS));
}
