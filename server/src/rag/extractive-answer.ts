import { analyzeQueryWords, analyzeText } from './analyzer/analyze.js';
import { answerCandidates } from './answer-candidates.js';
import type { AnswerCandidate } from './answer-candidates.js';
import { createCitationChecker } from './citations.js';
import type { PromptPassage } from './passages.js';

/** Sentences are looked for in the best passages only. */
const PASSAGES = 5;
const MOST_SENTENCES = 3;
/** The share of the question's weight below which nothing is an answer. */
const LEAST_COVERAGE = 0.2;
/** What the first, second and third sentence must add to what those before it cover, and how near the best they must be. */
const LEAST_GAINS = [LEAST_COVERAGE, 0, 0.1];
const NEAR_BEST = 0.65;
/** From this coverage on no third sentence is wanted. */
const FULL_COVERAGE = 0.8;
/** Sentences that are added to those of the passages, without the question's words: few say little of rarity. */
const BACKGROUND_SENTENCES = 50;

const BIGRAM_WEIGHT = 0.15;
const NEIGHBOUR_WEIGHT = 0.15;
const PASSAGE_WEIGHT = 0.6;
const REPETITION_PENALTY = 0.3;
const NEW_WORDS = 2;

/** What a question's word counts when it stands not in the sentence, but in a like form or above it. */
const PREFIX_SHARE = 0.5;
const PREFIX_CHARACTERS = 4;
const NEAR_SHARE = 0.7;
const FAR_SHARE = 0.4;

interface QuestionWord {
  forms: readonly string[];
  weight: number;
}

interface Scored {
  candidate: AnswerCandidate;
  /** Share of each question word that the sentence covers, 0 to 1. */
  shares: number[];
  coverage: number;
  score: number;
}

/**
 * Answers without a model: the one to three sentences of the passages that cover most of the question, each
 * followed by ` [n]`; `''` when none fits. A sentence counts by the idf of the question's words in it (in the
 * heading or question above it: less), by its word pairs, and by the score of its passage. Every marker passes
 * `createCitationChecker`. @param language ISO 639-1 code of the question, or `und`.
 */
export function composeExtractiveAnswer(
  question: string,
  passages: readonly PromptPassage[],
  language: string,
): string {
  const best = passages.toSorted((a, b) => b.score - a.score).slice(0, PASSAGES);
  const candidates = best.flatMap((passage) => answerCandidates(passage, language));
  const words = weighQuestion(question, candidates, language);
  const topScore = best[0]?.score ?? 0;
  const scored = withNeighbours(candidates.map((candidate) => scoreCandidate(candidate, words, topScore)))
    .filter(({ coverage }) => coverage > 0)
    .toSorted((a, b) => b.score - a.score);
  return writeAnswer(chooseSentences(scored, words, best, language));
}

function weighQuestion(
  question: string,
  candidates: readonly AnswerCandidate[],
  language: string,
): QuestionWord[] {
  const sentences = candidates.map(({ terms }) => new Set(terms));
  return analyzeQueryWords(question, [language]).map((forms) => {
    const frequency = sentences.filter((terms) => forms.some((form) => terms.has(form))).length;
    const weight = Math.log(
      1 + (sentences.length + BACKGROUND_SENTENCES - frequency + 0.5) / (frequency + 0.5),
    );
    return { forms, weight };
  });
}

function scoreCandidate(
  candidate: AnswerCandidate,
  words: readonly QuestionWord[],
  topScore: number,
): Scored {
  const own = new Set(candidate.terms);
  const prefixes = new Set(
    candidate.terms
      .filter((term) => term.length > PREFIX_CHARACTERS)
      .map((term) => term.slice(0, PREFIX_CHARACTERS)),
  );
  const shares = words.map(({ forms }) => {
    if (forms.some((form) => own.has(form))) return 1;
    if (forms.some((form) => candidate.nearTerms.has(form))) return NEAR_SHARE;
    const hasPrefix = forms.some(
      (form) => form.length > PREFIX_CHARACTERS && prefixes.has(form.slice(0, PREFIX_CHARACTERS)),
    );
    if (hasPrefix) return PREFIX_SHARE;
    return forms.some((form) => candidate.farTerms.has(form)) ? FAR_SHARE : 0;
  });
  const coverage = coveredShare(words, shares);
  const asked = new Set(words.flatMap(({ forms }) => forms));
  const newWords = [...own].filter((term) => !asked.has(term)).length;
  const repeats = newWords < NEW_WORDS && shares.filter((share) => share === 1).length > newWords;
  const score =
    coverage +
    BIGRAM_WEIGHT * pairShare(words, candidate.terms) +
    PASSAGE_WEIGHT * (topScore > 0 ? candidate.passage.score / topScore : 0) -
    (repeats ? REPETITION_PENALTY : 0);
  return { candidate, shares, coverage, score };
}

/** A sentence between others that are about the question is more likely to be so too. Candidates of a passage stand in a row. */
function withNeighbours(scored: readonly Scored[]): Scored[] {
  const coverageBeside = ({ candidate }: Scored, beside: Scored | undefined) =>
    beside?.candidate.passage === candidate.passage ? beside.coverage : 0;
  return scored.map((one, index) => {
    const nearest = Math.max(coverageBeside(one, scored[index - 1]), coverageBeside(one, scored[index + 1]));
    return { ...one, score: one.score + NEIGHBOUR_WEIGHT * nearest };
  });
}

function coveredShare(words: readonly QuestionWord[], shares: readonly number[]): number {
  let covered = 0;
  let total = 0;
  for (const [index, { weight }] of words.entries()) {
    covered += weight * (shares[index] ?? 0);
    total += weight;
  }
  return total === 0 ? 0 : covered / total;
}

/** How much of the question's neighbouring words are neighbours in the sentence too. */
function pairShare(words: readonly QuestionWord[], terms: readonly string[]): number {
  const pairs = new Set(terms.slice(1).map((term, index) => `${terms[index]} ${term}`));
  let matched = 0;
  let total = 0;
  for (const [index, { forms, weight }] of words.slice(1).entries()) {
    const previous = words[index]!;
    const pairWeight = Math.min(weight, previous.weight);
    total += pairWeight;
    if (previous.forms.some((first) => forms.some((second) => pairs.has(`${first} ${second}`)))) {
      matched += pairWeight;
    }
  }
  return total === 0 ? 0 : matched / total;
}

/** The best sentence, another that is nearly as good, and a third where it covers what is still open. */
function chooseSentences(
  scored: readonly Scored[],
  words: readonly QuestionWord[],
  passages: readonly PromptPassage[],
  language: string,
): AnswerCandidate[] {
  const chosen: Scored[] = [];
  let shares: number[] = words.map(() => 0);
  let coverage = 0;
  for (const one of scored) {
    if (chosen.length > 0 && one.score < NEAR_BEST * (scored[0]?.score ?? 0)) break;
    const together = shares.map((share, index) => Math.max(share, one.shares[index] ?? 0));
    const gain = coveredShare(words, together) - coverage;
    if (gain < LEAST_GAINS[chosen.length]!) continue;
    const before = chosen.map(({ candidate }) => candidate);
    if (isKnown(one.candidate, before, language) || isSibling(one, chosen)) continue;
    if (!keepsMarkers(writeAnswer(inReadingOrder([...before, one.candidate])), passages, language)) continue;
    chosen.push(one);
    shares = together;
    coverage += gain;
    if (chosen.length === MOST_SENTENCES || (chosen.length > 1 && coverage >= FULL_COVERAGE)) break;
  }
  return inReadingOrder(chosen.map(({ candidate }) => candidate));
}

/**
 * Says the same of something else: who asks what Enterprise costs is not told what Pro costs. Half of its words are
 * those of a chosen sentence, but not all of the question's that this one has.
 */
function isSibling({ candidate, shares }: Scored, chosen: readonly Scored[]): boolean {
  const own = new Set(candidate.terms);
  return chosen.some((other) => {
    const common = new Set(other.candidate.terms.filter((term) => own.has(term))).size;
    const isAlike = common > 1 && common * 2 >= Math.min(own.size, new Set(other.candidate.terms).size);
    return isAlike && other.shares.some((share, index) => share === 1 && shares[index] !== 1);
  });
}

function isKnown(candidate: AnswerCandidate, chosen: readonly AnswerCandidate[], language: string): boolean {
  const known = new Set(chosen.flatMap(({ text }) => analyzeText(text, language)));
  return candidate.terms.every((term) => known.has(term));
}

/** Sentences of one passage stand as they do there, beside the best of them. */
function inReadingOrder(candidates: readonly AnswerCandidate[]): AnswerCandidate[] {
  const passages = [...new Set(candidates.map(({ passage }) => passage))];
  return passages.flatMap((passage) =>
    candidates
      .filter((candidate) => candidate.passage === passage)
      .toSorted((a, b) => a.position - b.position),
  );
}

function writeAnswer(candidates: readonly AnswerCandidate[]): string {
  return candidates.map(({ text, passage }) => `${text} [${passage.number}]`).join(' ');
}

function keepsMarkers(answer: string, passages: readonly PromptPassage[], language: string): boolean {
  const checker = createCitationChecker(passages, language);
  const checked = checker.push(answer).text + checker.end().text;
  return countMarkers(checked) === countMarkers(answer);
}

function countMarkers(text: string): number {
  return text.match(/\[\d+\]/gu)?.length ?? 0;
}
