import { joinsNext } from './abbreviations.js';
import { codePointStart } from './code-points.js';

/** A range of UTF-16 offsets, `end` exclusive. */
export interface Span {
  start: number;
  end: number;
}

/** `Intl.Segmenter` is quadratic in what it is given, so it sees windows of this many characters. */
const WINDOW_CHARACTERS = 2_048;
/** How much of what stands beside a boundary decides whether it is one. */
const CONTEXT_CHARACTERS = 48;
const LINE_PREFIX_CHARACTERS = 64;

/** Scripts that end sentences with a space alone: a long stretch is cut at spaces, at this many characters. */
const SPACE_ENDED_SCRIPT = /[\u0e00-\u0eff]/u;
const SPACE_ENDED_LONG = 160;
const SPACE_ENDED_SHORT = 80;

/** A line that starts something of its own: a list item, a heading, a table row, a quote, a code fence, a rule. */
const OWN_LINE = /^[ \t]*(?:[-*+•‣–][ \t]|\d{1,3}[.)][ \t]|#{1,6}[ \t]|\||>|```|~~~|(?:[-*_=][ \t]*){3,}$)/u;
/** A line that is complete in itself, so that the next line starts anew. */
const SINGLE_LINE = /^[ \t]*(?:#{1,6}[ \t]|\||```|~~~|(?:[-*_=][ \t]*){3,}$)/u;

const segmenter = new Intl.Segmenter('und', { granularity: 'sentence' });

/**
 * The sentences of a text in order: trimmed, never empty, in UTF-16 offsets. A blank line, a list item, a heading
 * and a table row end a sentence; a single line break inside a paragraph does not. Linear in the text's length.
 */
export function splitSentences(text: string): Span[] {
  const sentences: Span[] = [];
  for (const region of splitRegions(text)) {
    for (const sentence of mend(text, segmentRegion(text, region))) {
      for (const part of splitAtSpaces(text, sentence)) {
        const span = trimSpan(text, part);
        if (span !== null) sentences.push(span);
      }
    }
  }
  return sentences;
}

/** The span without white space at its ends; null when nothing remains. */
export function trimSpan(text: string, span: Span): Span | null {
  let { start, end } = span;
  while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return start < end ? { start, end } : null;
}

function isSpace(unit: number): boolean {
  if (unit <= 0x20) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
  return unit === 0xa0 || unit === 0xfeff || unit === 0x3000 || (unit >= 0x2000 && unit <= 0x200b);
}

/** Stretches that no sentence crosses: paragraphs, list items, headings, table rows. */
function* splitRegions(text: string): Generator<Span> {
  let start = 0;
  let previousIsSingle = false;
  for (let lineStart = 0; lineStart < text.length;) {
    const newline = text.indexOf('\n', lineStart);
    const lineEnd = newline === -1 ? text.length : newline;
    const prefix = text.slice(lineStart, Math.min(lineEnd, lineStart + LINE_PREFIX_CHARACTERS));
    const isBlank = prefix.trim() === '' && trimSpan(text, { start: lineStart, end: lineEnd }) === null;
    if (isBlank || previousIsSingle || OWN_LINE.test(prefix)) {
      if (start < lineStart) yield { start, end: lineStart };
      start = lineStart;
    }
    previousIsSingle = SINGLE_LINE.test(prefix);
    lineStart = lineEnd + 1;
  }
  if (start < text.length) yield { start, end: text.length };
}

/** Raw sentences of a region, window by window; the last of a window is seen again with what follows it. */
function segmentRegion(text: string, region: Span): Span[] {
  const sentences: Span[] = [];
  let sentenceStart = region.start;
  let windowStart = region.start;
  while (windowStart < region.end) {
    const windowEnd = safeWindowEnd(text, windowStart, region.end);
    // A line break always ends a segment for the segmenter; as a space it keeps every offset.
    const window = text.slice(windowStart, windowEnd).replaceAll(/[\n\r\u0085\u2028\u2029]/gu, ' ');
    const starts = Array.from(segmenter.segment(window), (segment) => windowStart + segment.index);
    const isLastWindow = windowEnd === region.end;
    const lastStart = starts.at(-1) ?? windowStart;
    // Going back to the start of the last sentence must still bring us half a window further.
    const goesBack = !isLastWindow && lastStart - windowStart >= (windowEnd - windowStart) / 2;
    for (const start of starts.slice(1)) {
      sentences.push({ start: sentenceStart, end: start });
      sentenceStart = start;
    }
    windowStart = goesBack ? lastStart : windowEnd;
  }
  if (sentenceStart < region.end) sentences.push({ start: sentenceStart, end: region.end });
  return sentences;
}

function safeWindowEnd(text: string, start: number, regionEnd: number): number {
  const limit = start + WINDOW_CHARACTERS;
  if (limit >= regionEnd) return regionEnd;
  for (let end = limit; end > start + WINDOW_CHARACTERS / 2; end -= 1) {
    if (isSpace(text.charCodeAt(end - 1))) return end;
  }
  return codePointStart(text, limit);
}

function mend(text: string, sentences: Span[]): Span[] {
  const mended: Span[] = [];
  for (const sentence of sentences) {
    const previous = mended.at(-1);
    if (previous === undefined) {
      mended.push({ ...sentence });
      continue;
    }
    const before = text
      .slice(Math.max(previous.start, sentence.start - CONTEXT_CHARACTERS), sentence.start)
      .trim();
    const after = text.slice(sentence.start, sentence.start + CONTEXT_CHARACTERS).trimStart();
    if (joinsNext(before, after)) previous.end = sentence.end;
    else mended.push({ ...sentence });
  }
  return mended;
}

function* splitAtSpaces(text: string, sentence: Span): Generator<Span> {
  if (
    sentence.end - sentence.start <= SPACE_ENDED_LONG ||
    !SPACE_ENDED_SCRIPT.test(text.slice(sentence.start, sentence.start + SPACE_ENDED_LONG))
  ) {
    yield sentence;
    return;
  }
  let start = sentence.start;
  for (let offset = start + SPACE_ENDED_SHORT; offset < sentence.end - SPACE_ENDED_SHORT / 2; offset += 1) {
    const isBetweenLetters =
      isSpace(text.charCodeAt(offset)) &&
      SPACE_ENDED_SCRIPT.test(text.charAt(offset - 1)) &&
      SPACE_ENDED_SCRIPT.test(text.charAt(offset + 1));
    if (!isBetweenLetters) continue;
    yield { start, end: offset };
    start = offset + 1;
    offset += SPACE_ENDED_SHORT;
  }
  yield { start, end: sentence.end };
}
