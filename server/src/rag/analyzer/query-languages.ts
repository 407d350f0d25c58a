import { eld } from 'eld/small';
import { detectLanguage } from './detect-language.js';

/** A question is read in so many languages at most. */
const MOST_LANGUAGES = 4;
/** A language whose score is at least this share of the best one's may be the question's as well. */
const AMBIGUOUS_SHARE = 0.7;

/**
 * In which of a collection's languages a question is to be read, the likeliest first: one where its words tell, up to
 * four where they may be several. A question in none of them is read in those that the collection holds most of.
 * @param languages ISO 639-1 codes of the collection, the most frequent first
 */
export function queryLanguages(question: string, languages: readonly string[]): string[] {
  if (languages.length <= 1) return [...languages];
  const detected = detectLanguage(question);
  const scores = eld.detect(question).getScores();
  const best = Math.max(0, ...languages.map((language) => scores[language] ?? 0));
  const likely = languages
    .filter((language) => best > 0 && (scores[language] ?? 0) >= AMBIGUOUS_SHARE * best)
    .toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  const first = languages.includes(detected) ? [detected] : [];
  const chosen = [...new Set([...first, ...likely])];
  return (chosen.length > 0 ? chosen : languages).slice(0, MOST_LANGUAGES);
}
