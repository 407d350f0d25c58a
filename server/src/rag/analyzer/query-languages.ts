import { eld } from 'eld/small';
import { detectLanguage } from './detect-language.js';

/** A question is read in so many languages at most. */
const MOST_LANGUAGES = 4;
/** A language whose score is at least this share of the best one's may be the question's as well. */
const AMBIGUOUS_SHARE = 0.7;
/** How much the part of a collection that is in a language counts: 1 % of it asks for a score 1.6 times as high. */
const PRIOR_POWER = 0.1;

/**
 * In which of a collection's languages a question is to be read, the likeliest first: one where its words tell, up to
 * four where they may be several. Short questions are easily taken for a neighbour of their language, so what the
 * collection holds counts too. A question in none of its languages is read in those that it holds most of.
 * @param languages ISO 639-1 codes of the collection, the most frequent first, with the number of their texts
 */
export function queryLanguages(question: string, languages: ReadonlyMap<string, number>): string[] {
  const known = [...languages.keys()];
  if (known.length <= 1) return known;
  const scores = eld.detect(question).getScores();
  const most = Math.max(1, ...languages.values());
  const likely = known
    .map((language) => ({
      language,
      score: (scores[language] ?? 0) * ((languages.get(language) ?? 0) / most) ** PRIOR_POWER,
    }))
    .toSorted((a, b) => b.score - a.score);
  const best = likely[0]?.score ?? 0;
  const chosen = likely.filter(({ score }) => best > 0 && score >= AMBIGUOUS_SHARE * best);
  if (chosen.length > 0) return chosen.map(({ language }) => language).slice(0, MOST_LANGUAGES);
  const detected = detectLanguage(question);
  return languages.has(detected) ? [detected] : known.slice(0, MOST_LANGUAGES);
}
