import { analyzeText } from './analyzer/analyze.js';

/** Terms of a text that name something. */
export interface Names {
  /** Names by their look: capital letters inside a sentence, acronyms, codes with digits. */
  sure: ReadonlySet<string>;
  /** What may be a name: the capital at a sentence's start, German nouns, every word of a script without capitals. */
  possible: ReadonlySet<string>;
}

const TOKEN = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:['’._-][\p{L}\p{N}][\p{L}\p{M}\p{N}]*)*/gu;
const CAPITAL = /^\p{Lu}/u;
/** Not the way a word looks only because of where it stands: `iPhone`, `NASA`, `X200`, `McCoy`. */
const SURE_SHAPE = /\p{L}\p{Lu}|\p{L}\p{N}|\p{N}\p{L}/u;
/** After these a capital means no more than at the start. */
const STARTS_AFTER = /(?:^|[.!?:;•*#>\n"“„«»”‘(¿¡])\s*$/u;
const HAS_NO_CASE = /^[\p{Lo}\p{M}\p{N}]+$/u;
/** Where nouns are written with a capital. */
const CAPITAL_NOUNS = new Set(['de', 'lb']);

export function namesOf(text: string, language: string): Names {
  const sure = new Set<string>();
  const possible = new Set<string>();
  for (const match of text.normalize('NFKC').matchAll(TOKEN)) {
    const [token] = match;
    const isUncased = HAS_NO_CASE.test(token);
    if (!isUncased && !CAPITAL.test(token) && !SURE_SHAPE.test(token)) continue;
    if (/^\p{N}+$/u.test(token)) continue;
    const isAtStart = STARTS_AFTER.test(text.slice(Math.max(0, match.index - 4), match.index));
    const isSure = !isUncased && (SURE_SHAPE.test(token) || (!isAtStart && !CAPITAL_NOUNS.has(language)));
    for (const term of analyzeText(token, language)) (isSure ? sure : possible).add(term);
  }
  return { sure, possible };
}
