import { codePointStart } from './code-points.js';
import { countTokens } from './count-tokens.js';
import { splitSentences } from './sentences.js';
import type { Span } from './sentences.js';

export interface ChunkSizes {
  maxTokens: number;
  overlapTokens: number;
}

/** A stretch of text that is packed whole, with the white space before it counted in. */
interface Unit extends Span {
  tokenCount: number;
}

/** A first guess at how many characters a token has; too long a piece is measured and cut again. */
const CHARACTERS_PER_TOKEN = 4;

/**
 * Cuts a text into spans of at most `maxTokens`, at sentence ends. Each span repeats whole sentences from the end
 * of the one before, up to `overlapTokens`. A sentence longer than `maxTokens` is cut between words, a word longer
 * than that between code points. Linear in the text's length.
 */
export function intelligentChunk(text: string, sizes: ChunkSizes): Span[] {
  return packUnits(Array.from(sentenceUnits(text, sizes.maxTokens)), sizes);
}

/** Joins neighbouring units into spans of at most `maxTokens`, overlapping by whole units. */
export function packUnits(units: readonly Unit[], { maxTokens, overlapTokens }: ChunkSizes): Span[] {
  const spans: Span[] = [];
  let first = 0;
  let tokenCount = 0;
  for (let index = 0; index < units.length; index += 1) {
    const unit = units[index]!;
    if (index > first && tokenCount + unit.tokenCount > maxTokens) {
      spans.push({ start: units[first]!.start, end: units[index - 1]!.end });
      const allowed = Math.min(overlapTokens, maxTokens - unit.tokenCount);
      const overlap = overlapBefore(units, index, allowed);
      first = overlap.first;
      tokenCount = overlap.tokenCount;
    }
    tokenCount += unit.tokenCount;
  }
  const last = units.at(-1);
  if (last !== undefined) spans.push({ start: units[first]!.start, end: last.end });
  return spans;
}

/** The earliest unit from which what stands before `index` still fits. The whole of the last span never does: it was cut for that. */
function overlapBefore(
  units: readonly Unit[],
  index: number,
  allowedTokens: number,
): { first: number; tokenCount: number } {
  let first = index;
  let tokenCount = 0;
  while (first > 0 && tokenCount + units[first - 1]!.tokenCount <= allowedTokens) {
    first -= 1;
    tokenCount += units[first]!.tokenCount;
  }
  return { first, tokenCount };
}

function* sentenceUnits(text: string, maxTokens: number): Generator<Unit> {
  let previousEnd = 0;
  for (const sentence of splitSentences(text)) {
    const tokenCount = countTokens(text.slice(previousEnd, sentence.end));
    if (tokenCount <= maxTokens) yield { ...sentence, tokenCount };
    // Only with the white space before it is it too long: it must not be joined with what stands there.
    else if (isWithin(text, sentence, maxTokens)) yield { ...sentence, tokenCount: maxTokens };
    else yield* wordUnits(text, sentence, maxTokens);
    previousEnd = sentence.end;
  }
}

function isWithin(text: string, { start, end }: Span, maxTokens: number): boolean {
  return countTokens(text.slice(start, end)) <= maxTokens;
}

function* wordUnits(text: string, sentence: Span, maxTokens: number): Generator<Unit> {
  const word = /\S+/gu;
  word.lastIndex = sentence.start;
  let previousEnd = sentence.start;
  for (let match = word.exec(text); match !== null; match = word.exec(text)) {
    const start = match.index;
    if (start >= sentence.end) return;
    const end = Math.min(start + match[0].length, sentence.end);
    const isHuge = end - start > maxTokens * CHARACTERS_PER_TOKEN * 4;
    const tokenCount = isHuge ? Infinity : countTokens(text.slice(previousEnd, end));
    if (tokenCount <= maxTokens) yield { start, end, tokenCount };
    else yield* codePointUnits(text, { start, end }, maxTokens);
    previousEnd = end;
  }
}

function* codePointUnits(text: string, word: Span, maxTokens: number): Generator<Unit> {
  let size = maxTokens * CHARACTERS_PER_TOKEN;
  let start = word.start;
  while (start < word.end) {
    const end = pieceEnd(text, start, Math.min(start + size, word.end));
    const tokenCount = countTokens(text.slice(start, end));
    const isOneCodePoint = end - start <= 2;
    if (tokenCount > maxTokens && !isOneCodePoint) {
      size = Math.max(1, Math.min(Math.floor(((end - start) * maxTokens) / tokenCount), end - start - 1));
      continue;
    }
    yield { start, end, tokenCount };
    start = end;
  }
}

/** Never inside a surrogate pair, and always past `start`. */
function pieceEnd(text: string, start: number, end: number): number {
  const safe = codePointStart(text, end);
  return safe > start ? safe : Math.min(start + 2, text.length);
}
