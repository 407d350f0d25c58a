import { analyzeText } from './analyzer/analyze.js';
import { detectLanguage } from './analyzer/detect-language.js';
import { stopWords } from './analyzer/stop-words.js';
import { answerCandidates } from './answer-candidates.js';
import { cuesOf } from './follow-up-cues.js';
import type { PromptPassage } from './passages.js';

/** A question that was asked before, with its answer. */
export interface EarlierTurn {
  question: string;
  answer: string;
  /** Of the documents that the answer cites. */
  titles: readonly string[];
}

/** A question that goes on from earlier ones, with what it leaves out. */
export interface FollowUp {
  /** ISO 639-1 code of the conversation, or `und`. */
  language: string;
  /** Its own words that carry content. */
  own: string[];
  /** Words of the earlier turns that say what it is about. */
  carried: string[];
  /** Those of them that only an answer held: it may have said more than was asked. */
  names: ReadonlySet<string>;
  /**
   * It puts something else in the place of what was asked about, "and for students?": what answers it must name that.
   * Else it asks another thing about the same, "how much does it cost?", which can be said in other words.
   */
  isContrast: boolean;
}

const TEXT_CHARACTERS = 600;
/** Who says as much does not need what was said before, whatever pronouns there are. */
const SELF_CONTAINED_WORDS = 5;
const CUT_DOWN_WORDS = 4;
const MOST_CARRIED = 6;
const MOST_NAMES = 3;
/** What a name of an answer counts beside a word of a question. */
const NAME_WEIGHT = 0.5;
const MOST_TURNS_BACK = 3;

const EDGES = /^[\s¿¡"'“„«(]+|[\s.?!？！؟。…"'”»)]+$/gu;
/** It stands for nothing: `is it possible to …`, `does it take long to …`. */
const EXPLETIVE = /(?<=\b(?:is|was|does|will|would|can) )it(?= .*\b(?:to|that|if)\b)/gu;
/** A polite you, which German writes as it writes she and they, but for the first letter. */
const POLITE = /(?<!^)\b(?:Sie|Ihnen|Ihre?[mnrs]?)\b/gu;
const MARKERS = /[ \t]?\[\d{1,3}\]/gu;
const NAME = /\d|\p{Ll}\p{Lu}|^\p{Lu}{2,}$/u;
const LETTER = /\p{L}/u;
const CAPITAL = /^\p{Lu}/u;

/** Whether its words show that a question cannot be understood without the ones before. */
export function leansOnEarlier(question: string, language: string): boolean {
  const own = contentWords(question, language);
  const cues = cuesOf(language);
  const polite = language === 'de' ? question.replaceAll(POLITE, '') : question;
  const lower = polite.replaceAll(EDGES, '').toLowerCase();
  const text = language === 'en' ? lower.replaceAll(EXPLETIVE, '') : lower;
  if (own.length === 0 || cues.opens.test(text) || cues.ends?.test(text) === true) return true;
  const isCutDown = cues.isCutDown?.test(text) === true && text.split(/\s+/u).length <= CUT_DOWN_WORDS;
  return isCutDown || (text.search(cues.refers) >= 0 && own.length < SELF_CONTAINED_WORDS);
}

/**
 * Whether another wording can stand for a question: at least half of the question's own words are in it, and at least
 * half of what is new in it was said before. A model that answers, refuses or tells a tale writes no such thing.
 */
export function keepsQuestion(
  asked: string,
  wording: string,
  earlier: readonly EarlierTurn[],
  language: string,
): boolean {
  const termsOf = (text: string) =>
    new Set(contentWords(text, language).flatMap((word) => analyzeText(word, language)));
  const own = termsOf(asked);
  const written = termsOf(wording);
  const said = termsOf(
    earlier
      .slice(-MOST_TURNS_BACK)
      .map((turn) => `${turn.question}\n${turn.answer}`)
      .join('\n'),
  );
  const isAtLeastHalf = (terms: readonly string[], of: ReadonlySet<string>) =>
    terms.filter((term) => of.has(term)).length * 2 >= terms.length;
  return (
    isAtLeastHalf([...own], written) &&
    isAtLeastHalf(
      [...written].filter((term) => !own.has(term)),
      said,
    )
  );
}

/** The language of a conversation: one question is too short to tell. */
export function languageOfTurns(question: string, earlier: readonly EarlierTurn[]): string {
  const texts = earlier.slice(-MOST_TURNS_BACK).map((turn) => `${turn.question}\n${turn.answer}`);
  return detectLanguage([...texts, question].join('\n'));
}

/**
 * Carries over what earlier turns were about: the words of the last question (and of the ones that it leans on in
 * turn), the names in the last answer, and, where that is little, the titles that it cites.
 * @param earlier oldest first
 * @returns null where the question can be understood by itself, or nothing was said before
 */
export function carryOver(
  question: string,
  earlier: readonly EarlierTurn[],
  language: string,
): FollowUp | null {
  const last = earlier.at(-1);
  if (last === undefined || !leansOnEarlier(question, language)) return null;
  const own = contentWords(question, language);
  const carried: string[] = [];
  const known = new Set(own.flatMap((word) => analyzeText(word, language)));
  const carry = (words: readonly string[], limit: number): void => {
    for (const word of words) {
      if (carried.length >= limit) return;
      const terms = analyzeText(word, language);
      if (terms.every((term) => known.has(term))) continue;
      for (const term of terms) known.add(term);
      carried.push(word);
    }
  };
  for (const { question: asked } of topicTurns(earlier, language)) {
    carry(contentWords(asked, language), MOST_CARRIED);
  }
  const asked = carried.length;
  carry(namesIn(last.answer, language), Math.min(MOST_CARRIED, carried.length + MOST_NAMES));
  const names = new Set(carried.slice(asked));
  if (carried.length < 2) carry(contentWords(last.titles.join(' '), language), MOST_NAMES);
  return carried.length === 0
    ? null
    : { language, own, carried, names, isContrast: isContrast(question, language) };
}

/** Its own words and all that was carried over: pronouns would only be looked for in vain. */
export function wholeQuestion({ own, carried }: Pick<FollowUp, 'own' | 'carried'>): string {
  return [...own, ...carried].join(' ');
}

/**
 * The question with what was carried over and holds for it. "And the Enterprise one?" after "What does the Pro plan
 * cost?" is not about Pro: what the sentence that is most about both does not name was replaced by the question's own
 * words, and is left out.
 */
export function fittingQuestion(followUp: FollowUp, passages: readonly PromptPassage[]): string {
  const { own, carried, language } = followUp;
  if (own.length === 0) return wholeQuestion(followUp);
  let best = { own: 0, carried: [] as string[], weight: 0 };
  for (const { terms, nearTerms, farTerms } of passages.flatMap((passage) =>
    answerCandidates(passage, language),
  )) {
    const all = new Set([...terms, ...nearTerms, ...farTerms]);
    const holds = (word: string) => {
      const wanted = analyzeText(word, language);
      return wanted.length > 0 && wanted.filter((term) => all.has(term)).length * 2 >= wanted.length;
    };
    const held = carried.filter(holds);
    const weight = held.reduce((sum, word) => sum + (followUp.names.has(word) ? NAME_WEIGHT : 1), 0);
    const found = { own: own.filter(holds).length, carried: held, weight };
    if (found.own > best.own || (found.own === best.own && found.weight > best.weight)) best = found;
  }
  return best.own === 0 ? wholeQuestion(followUp) : wholeQuestion({ ...followUp, carried: best.carried });
}

function isContrast(question: string, language: string): boolean {
  const { refers } = cuesOf(language);
  const pronouns = question.toLowerCase().match(refers) ?? [];
  return pronouns.every((pronoun) => pronoun === 'one' || pronoun === 'ones');
}

/** The last question, and those before it as long as each leans on the one before; newest first. */
function topicTurns(earlier: readonly EarlierTurn[], language: string): EarlierTurn[] {
  const turns: EarlierTurn[] = [];
  for (const turn of earlier.slice(-MOST_TURNS_BACK).toReversed()) {
    turns.push(turn);
    if (!leansOnEarlier(turn.question, language)) break;
  }
  return turns;
}

/** Words in their own case, without those that say nothing of a topic. */
function contentWords(text: string, language: string): string[] {
  const stops = stopWords(language);
  const { empty, refers } = cuesOf(language);
  return wordsOf(text, language).filter((word) => {
    const lower = word.toLowerCase();
    const isPronoun = lower.replaceAll(refers, '') === '';
    return !stops.has(lower) && !empty.has(lower) && !isPronoun && !isMadeOf(lower, stops);
  });
}

/** Chinese words of characters that are stop words each. */
function isMadeOf(word: string, stops: ReadonlySet<string>): boolean {
  return /^\p{sc=Han}+$/u.test(word) && Array.from(word).every((character) => stops.has(character));
}

/** What an answer calls by name: words with digits or capitals within, and, but in German, capitals that start none. */
function namesIn(answer: string, language: string): string[] {
  const words = wordsOf(answer.replaceAll(MARKERS, ''), language);
  const isName = (word: string, index: number) =>
    (NAME.test(word) && LETTER.test(word)) ||
    (language !== 'de' && index > 0 && CAPITAL.test(word) && word.length > 1);
  return words.filter((word, index) => isName(word, index) && !stopWords(language).has(word.toLowerCase()));
}

const segmenters = new Map<string, Intl.Segmenter>();

function wordsOf(text: string, language: string): string[] {
  const locale = language === 'und' ? 'en' : language;
  let segmenter = segmenters.get(locale);
  if (segmenter === undefined) {
    segmenter = new Intl.Segmenter(locale, { granularity: 'word' });
    segmenters.set(locale, segmenter);
  }
  return Array.from(segmenter.segment(text.slice(0, TEXT_CHARACTERS)))
    .filter(({ isWordLike }) => isWordLike === true)
    .map(({ segment }) => segment.replace(/['’]s$/u, ''));
}
