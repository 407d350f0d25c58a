import { evidenceOf, locateClaim } from './evidence.js';
import type { EvidenceSentence } from './evidence.js';
import { createMarkerReader } from './markers.js';
import { splitSentences } from './sentences.js';

/** A quote that was found: `passage.text.slice(start, end)` supports the text before the marker `[index]`. */
export interface CheckedCitation {
  /** As it stands in the answer, from 1 in order of first appearance. */
  index: number;
  /** The number of the passage in the prompt. */
  passageNumber: number;
  start: number;
  end: number;
}

export interface CitationChecker {
  /** Takes what the model has written since, returns what may be shown. */
  push: (delta: string) => { text: string };
  /** What was still held back. Nothing may be pushed afterwards. */
  end: () => { text: string };
  citations: () => CheckedCitation[];
}

/** How much of the answer is kept to find the sentence before a marker. */
const REMEMBERED_CHARACTERS = 2_000;
const LIST_NUMBER = /^\s*\d{1,3}[.)]\s+/u;

/**
 * Checks the markers of a streamed answer. Each `[n]` is looked up: the sentence before it must stand in passage n
 * by most of its words and all of its numbers. Then it is renumbered and the quote recorded (the same quote keeps
 * its number); otherwise the marker is removed and the text stays. Only what may be a marker is held back, so that
 * the result does not depend on how the answer was cut into deltas.
 * @param language ISO 639-1 code by which words are compared.
 */
export function createCitationChecker(
  passages: readonly { number: number; text: string }[],
  language: string,
): CitationChecker {
  const textByNumber = new Map(passages.map(({ number, text }) => [number, text]));
  const evidenceByNumber = new Map<number, EvidenceSentence[]>();
  const citations: CheckedCitation[] = [];
  /** The end of the answer without its markers, and where in it the last marker stood. */
  let written = '';
  let lastMarkerAt = 0;
  /** Numbers that already stand at this place: `[1][2]` for one quote becomes `[1]`. */
  let shownHere: number[] = [];

  const evidence = (number: number): EvidenceSentence[] => {
    const existing = evidenceByNumber.get(number);
    if (existing !== undefined) return existing;
    const sentences = evidenceOf(textByNumber.get(number) ?? '', language);
    evidenceByNumber.set(number, sentences);
    return sentences;
  };

  const cite = (passageNumber: number): number | null => {
    for (const claim of claimsBefore(written, lastMarkerAt)) {
      const span = locateClaim(claim, evidence(passageNumber), language);
      if (span === null) continue;
      const known = citations.find(
        (citation) =>
          citation.passageNumber === passageNumber &&
          citation.start === span.start &&
          citation.end === span.end,
      );
      if (known !== undefined) return known.index;
      const index = citations.length + 1;
      citations.push({ index, passageNumber, ...span });
      return index;
    }
    return null;
  };

  const reader = createMarkerReader({
    onText: (text) => {
      if (text.trim() !== '' && shownHere.length > 0) shownHere = [];
      if (written.length > REMEMBERED_CHARACTERS * 2) {
        lastMarkerAt = Math.max(0, lastMarkerAt - (written.length - REMEMBERED_CHARACTERS));
        written = written.slice(-REMEMBERED_CHARACTERS);
      }
      written += text;
    },
    onMarker: (numbers) => {
      const indexes: number[] = [];
      for (const number of numbers) {
        const index = textByNumber.has(number) ? cite(number) : null;
        if (index !== null && !shownHere.includes(index)) {
          indexes.push(index);
          shownHere.push(index);
        }
      }
      return indexes.map((index) => `[${index}]`).join('');
    },
    onMarkersEnd: () => {
      lastMarkerAt = written.length;
    },
  });

  return {
    push: (delta) => ({ text: reader.push(delta) }),
    end: () => ({ text: reader.end() }),
    citations: () => structuredClone(citations),
  };
}

/** The last sentence; then only what follows the marker before, for a sentence that cites in its middle. */
function* claimsBefore(written: string, lastMarkerAt: number): Generator<string> {
  const last = splitSentences(written).at(-1);
  if (last === undefined) return;
  yield written.slice(last.start, last.end).replace(LIST_NUMBER, '');
  if (lastMarkerAt > last.start && lastMarkerAt < last.end) yield written.slice(lastMarkerAt, last.end);
}
