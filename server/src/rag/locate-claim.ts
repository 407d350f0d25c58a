import type { Claim, Evidence, EvidenceSentence } from './evidence.js';
import type { Span } from './sentences.js';

/** Where a passage speaks of what a claim says; `partly_located` when it does not say just that. */
export interface Located {
  span: Span;
  support: 'located' | 'partly_located';
  /** The share of the claim's weight that the span holds. */
  coverage: number;
}

/** The share of a claim that a quote must hold. */
const SUFFICIENT_COVERAGE = 0.6;
/** What a second sentence must add to be quoted with the first. */
const WORTHWHILE_GAIN = 0.15;

/**
 * The sentence of a passage, or two neighbours, that hold most of what a claim says and all of its numbers and names;
 * null when no place holds enough. What a claim negates and its place does not (or the other way round), counts with
 * another unit, crosses from one sentence to the next, or names in a way that cannot be told for sure, is located
 * in part. It is a comparison of words: it finds the place, it proves nothing.
 */
export function locateClaim(
  claim: Claim,
  evidence: Evidence,
  weightOf: (term: string) => number,
): Located | null {
  const total = sumWeights(claim.terms, weightOf);
  if (total === 0) return null;
  let single: Located | null = null;
  let pair: Located | null = null;
  for (const [index, sentence] of evidence.sentences.entries()) {
    single = better(single, measure(claim, evidence, [sentence], weightOf, total));
    const next = evidence.sentences[index + 1];
    if (next !== undefined) {
      pair = better(pair, measure(claim, evidence, [sentence, next], weightOf, total));
    }
  }
  if (single !== null && (pair === null || pair.coverage < single.coverage + WORTHWHILE_GAIN)) return single;
  return pair;
}

function better(known: Located | null, found: Located | null): Located | null {
  if (found === null || known === null) return found ?? known;
  const isBetter =
    found.support === known.support ? found.coverage > known.coverage : found.support === 'located';
  return isBetter ? found : known;
}

function measure(
  claim: Claim,
  evidence: Evidence,
  sentences: readonly EvidenceSentence[],
  weightOf: (term: string) => number,
  total: number,
): Located | null {
  const holds = (term: string): boolean => sentences.some(({ terms }) => terms.has(term));
  let matched = 0;
  for (const term of claim.terms) {
    const isNamedAbove = claim.names.sure.has(term) && evidence.context.has(term);
    if (holds(term) || isNamedAbove) matched += weightOf(term);
  }
  const coverage = matched / total;
  if (coverage < SUFFICIENT_COVERAGE) return null;
  for (const name of claim.names.sure) if (!holds(name) && !evidence.context.has(name)) return null;
  const figures = sentences.flatMap((sentence) => sentence.figures);
  for (const { value } of claim.figures) {
    const isHeld = figures.some((figure) => figure.value === value);
    if (!isHeld && !evidence.context.has(value)) return null;
  }
  const isWhole =
    [...claim.names.possible].every((term) => holds(term) || evidence.context.has(term)) &&
    claim.figures.every((figure) => hasItsUnit(figure, figures, holds)) &&
    negationsAround(claim, sentences) === claim.negations &&
    !crosses(claim, sentences);
  const span = { start: sentences[0]!.start, end: sentences.at(-1)!.end };
  return { span, support: isWhole ? 'located' : 'partly_located', coverage };
}

/** Whether a number counts the same here: its own unit, or one that no other number has. */
function hasItsUnit(
  { value, unit }: Claim['figures'][number],
  figures: Claim['figures'],
  holds: (term: string) => boolean,
): boolean {
  if (unit === null) return true;
  const sameValue = figures.filter((figure) => figure.value === value);
  if (sameValue.length === 0 || sameValue.some((figure) => figure.unit === unit)) return true;
  return holds(unit) && !figures.some((figure) => figure.unit === unit);
}

/** The negations in those parts of the sentences that the claim takes anything from. */
function negationsAround(claim: Claim, sentences: readonly EvidenceSentence[]): number {
  let count = 0;
  for (const { clauses } of sentences) {
    for (const { terms, negations } of clauses) {
      if (negations > 0 && [...terms].some((term) => claim.terms.has(term))) count += negations;
    }
  }
  return count;
}

/**
 * Whether a claim of two sentences says of one what only the other has: the one that holds more of it lacks a name or
 * number of the claim, and has another one in its place.
 */
function crosses(claim: Claim, sentences: readonly EvidenceSentence[]): boolean {
  const [first, second] = sentences;
  if (first === undefined || second === undefined) return false;
  const shared = (sentence: EvidenceSentence): number =>
    [...claim.terms].filter((term) => sentence.terms.has(term)).length;
  const main = shared(first) >= shared(second) ? first : second;
  const values = new Set(claim.figures.map(({ value }) => value));
  const ownValues = new Set(main.figures.map(({ value }) => value));
  const isNumberForeign = [...values].some((value) => !ownValues.has(value));
  if (isNumberForeign && [...ownValues].some((value) => !values.has(value))) return true;
  return (
    isNameForeign(claim.names.sure, main, main.names.sure, claim) ||
    isNameForeign(claim.names.possible, main, main.names.possible, claim)
  );
}

function isNameForeign(
  names: ReadonlySet<string>,
  main: EvidenceSentence,
  ownNames: ReadonlySet<string>,
  claim: Claim,
): boolean {
  if ([...names].every((name) => main.terms.has(name))) return false;
  return [...ownNames].some((name) => !claim.terms.has(name));
}

function sumWeights(terms: ReadonlySet<string>, weightOf: (term: string) => number): number {
  let sum = 0;
  for (const term of terms) sum += weightOf(term);
  return sum;
}
