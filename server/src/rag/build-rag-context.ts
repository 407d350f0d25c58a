import { analyzeText } from './analyzer/analyze.js';
import { countTokens } from './count-tokens.js';
import type { RetrievedPassage } from './passages.js';
import { splitSentences, trimSpan } from './sentences.js';

export type ContextPassage<P extends RetrievedPassage = RetrievedPassage> = P & { number: number };

/** What the delimiters of a source cost in the prompt, beside its title, heading and text. */
const DELIMITER_TOKENS = 32;
/** From this share of common word pairs on, two passages say the same. */
const SAME_TEXT_SHARE = 0.85;
/** A passage that loses more than this to a better one of its document adds too little. */
const LOST_SHARE = 0.5;

/**
 * The passages that go into a prompt, numbered from 1, the best first, at most `maxPassages` within `maxTokens`. A
 * passage that repeats a better one is left out, so more should be offered than are wanted; where two of one document
 * overlap, the weaker one keeps only what is new (`text` and `start` say which). A passage that does not fit is left
 * out; only the first is cut, at a sentence end.
 */
export function buildRAGContext<P extends RetrievedPassage>(
  passages: readonly P[],
  { maxTokens, maxPassages = Number.POSITIVE_INFINITY }: { maxTokens: number; maxPassages?: number },
): { passages: ContextPassage<P>[]; tokenCount: number } {
  const chosen: { passage: P; pairs: Set<string> }[] = [];
  let tokenCount = 0;
  for (const candidate of passages.toSorted((a, b) => b.score - a.score)) {
    if (chosen.length >= maxPassages) break;
    const passage = withoutOverlap(
      candidate,
      chosen.map((other) => other.passage),
    );
    if (passage === null) continue;
    const pairs = wordPairs(passage.text);
    if (chosen.some((other) => similarity(pairs, other.pairs) >= SAME_TEXT_SHARE)) continue;

    const cost = passageTokens(passage);
    if (tokenCount + cost <= maxTokens) {
      chosen.push({ passage, pairs });
      tokenCount += cost;
      continue;
    }
    if (chosen.length > 0) continue;
    const cut = cutToFit(passage, maxTokens);
    if (cut === null) continue;
    chosen.push({ passage: cut, pairs });
    tokenCount += passageTokens(cut);
  }
  return {
    passages: chosen.map(({ passage }, index) => Object.assign({}, passage, { number: index + 1 })),
    tokenCount,
  };
}

function passageTokens({ title, heading, text }: RetrievedPassage): number {
  return countTokens(text) + countTokens(title) + countTokens(heading ?? '') + DELIMITER_TOKENS;
}

/** The part of a passage that no better one of its document holds; null when too little of it is new. */
function withoutOverlap<P extends RetrievedPassage>(passage: P, better: readonly P[]): P | null {
  let start = passage.start;
  let end = passage.start + passage.text.length;
  for (const other of better) {
    if (other.documentId !== passage.documentId) continue;
    const otherEnd = other.start + other.text.length;
    if (otherEnd <= start || other.start >= end) continue;
    if (other.start <= start) start = Math.min(end, otherEnd);
    else if (otherEnd >= end) end = Math.max(start, other.start);
    else return null;
  }
  const local = trimSpan(passage.text, { start: start - passage.start, end: end - passage.start });
  if (local === null) return null;
  const isWhole = start === passage.start && end === passage.start + passage.text.length;
  if (isWhole) return passage;
  if (local.end - local.start < passage.text.length * (1 - LOST_SHARE)) return null;
  return { ...passage, text: passage.text.slice(local.start, local.end), start: passage.start + local.start };
}

function cutToFit<P extends RetrievedPassage>(passage: P, maxTokens: number): P | null {
  let kept: P | null = null;
  for (const { end } of splitSentences(passage.text)) {
    const shorter = { ...passage, text: passage.text.slice(0, end) };
    if (passageTokens(shorter) > maxTokens) break;
    kept = shorter;
  }
  return kept;
}

function wordPairs(text: string): Set<string> {
  const words = analyzeText(text, 'und');
  return new Set(words.length === 1 ? words : words.slice(1).map((word, index) => `${words[index]} ${word}`));
}

/** Jaccard's coefficient. */
function similarity(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let common = 0;
  for (const item of a) if (b.has(item)) common += 1;
  const all = a.size + b.size - common;
  return all === 0 ? 0 : common / all;
}
