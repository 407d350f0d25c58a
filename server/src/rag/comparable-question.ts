import { normalizeQuery } from './normalize-query.js';

/** Ends a clause: `Hello, how …` and `Hello how …` ask the same. Not within a word or number: `1,5`, `a.b`. */
const CLAUSE_END = /[,;:.!?…，。；：！？]+(?=\s|$)/gu;

/** A question as it is compared with others: case, punctuation and white space make no difference, words do. */
export function comparableQuestion(question: string): string {
  return normalizeQuery(question, null)
    .toLowerCase()
    .replaceAll(CLAUSE_END, '')
    .replaceAll(/\s+/gu, ' ')
    .trim();
}
