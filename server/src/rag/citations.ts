import { createAnswerReader } from './answer-reader.js';
import { type Judgement, type Mark, type Support, createSentenceWriter } from './answer-sentences.js';
import type { EvidencePassage } from './evidence.js';
import { createGrounding } from './grounding.js';
import { hedgeIn } from './hedges.js';
import type { LinkPolicy } from './link-policy.js';
import { type Span, splitSentences } from './sentences.js';

/** A quote that was found: `passage.text.slice(start, end)` is where the text before the marker `[index]` stands. */
export interface CheckedCitation extends Span {
  /** As it stands in the answer, from 1 in order of first appearance. */
  index: number;
  /** The number of the passage in the prompt. */
  passageNumber: number;
}

interface CheckedSentence extends Span {
  support: Support;
}

export interface CitationChecker {
  /** Takes what the model has written since, returns what may be shown. */
  push: (delta: string) => { text: string };
  /** What was still held back. Nothing may be pushed afterwards. */
  end: () => { text: string };
  citations: () => CheckedCitation[];
  /** Of what was shown, in UTF-16 units; the last one once the answer has ended. */
  sentences: () => CheckedSentence[];
}

export interface CheckOptions {
  /** Unset: links are not looked at. */
  links?: LinkPolicy;
  unsupported?: 'keep' | 'hedge' | 'strip';
}

const LIST_NUMBER = /^\s*(?:\d{1,3}[.)]|[-*+•])\s+/u;
/** What states nothing by itself: headings, table rows, questions, and what announces what follows. */
const NO_STATEMENT = /^(?:#{1,6}\s|\||`{3}|~{3})|[?？؟:：]["'”»)*_]*$/u;

/**
 * Checks an answer as it streams. Each marker `[n]` is looked up: what the sentence before it says must stand in
 * passage n (`locateClaim`). Then it is renumbered and the quote recorded (the same quote keeps its number);
 * otherwise the marker is removed and the text stays. A quote that is found in part keeps its marker, for it is the
 * place where the reader sees the difference; the sentence is then `partly_located`. A sentence without a marker is
 * looked for in all passages. The result does not depend on how the answer was cut into deltas.
 * @param language ISO 639-1 code by which words are compared, where a passage names no other.
 */
export function createCitationChecker(
  passages: readonly EvidencePassage[],
  language: string,
  { links, unsupported = 'keep' }: CheckOptions = {},
): CitationChecker {
  const grounding = createGrounding(passages, language);
  const citations: CheckedCitation[] = [];
  /** Numbers that already stand at this place: `[1][2]` for one quote becomes `[1]`. */
  let shownHere: number[] = [];
  let shown = '';

  const writer = createSentenceWriter({
    judge: (sentence, marks) => judge(sentence, marks),
    unsupported,
    hedge: hedgeIn(language),
  });

  const judge = (sentence: string, marks: readonly Mark[]): Judgement => {
    const claim = sentence.replace(LIST_NUMBER, '');
    const isStatement = !NO_STATEMENT.test(claim) && grounding.says(claim);
    if (!grounding.says(claim)) return { support: 'not_located', isStatement };
    const marked = supportByMarks(sentence, marks);
    if (marked === 'located') return { support: marked, isStatement };
    const whole = grounding.locateAnywhere(claim, claim)?.support;
    return { support: whole === 'located' ? whole : (marked ?? whole ?? 'not_located'), isStatement };
  };

  /** By the parts of a sentence that its markers end; null without a marker that was looked up and found. */
  const supportByMarks = (sentence: string, marks: readonly Mark[]): Support | null => {
    if (marks.every(({ support }) => support === 'not_located')) return null;
    const supports: Support[] = [];
    let start = 0;
    for (const at of new Set(marks.map((mark) => mark.at))) {
      const here = new Set(marks.filter((mark) => mark.at === at).map(({ support }) => support));
      supports.push(
        here.has('located') ? 'located' : here.has('partly_located') ? 'partly_located' : 'not_located',
      );
      start = at;
    }
    const rest = sentence.slice(start);
    if (grounding.says(rest)) {
      supports.push(grounding.locateAnywhere(rest, sentence)?.support ?? 'not_located');
    }
    return supports.every((support) => support === 'located') ? 'located' : 'partly_located';
  };

  const cite = (passageNumber: number): { index: number; support: Support } | null => {
    const { text, marks } = writer.open();
    let found = null;
    for (const claim of claimsBefore(text, marks)) {
      const here = grounding.locate(claim, passageNumber, text);
      if (here !== null && (found === null || here.support === 'located')) found = here;
      if (found?.support === 'located') break;
    }
    if (found === null) return null;
    const { span, support } = found;
    const known = citations.find(
      (citation) =>
        citation.passageNumber === passageNumber &&
        citation.start === span.start &&
        citation.end === span.end,
    );
    if (known !== undefined) return { index: known.index, support };
    const index = citations.length + 1;
    citations.push({ index, passageNumber, ...span });
    return { index, support };
  };

  const reader = createAnswerReader(
    {
      onText: (text, isCode) => {
        if (text.trim() !== '') shownHere = [];
        shown += writer.add(text, isCode);
      },
      onMarker: (numbers, before) => {
        let marker = '';
        let support: Support = 'not_located';
        for (const number of numbers) {
          const found = cite(number);
          if (found === null) continue;
          if (support !== 'located') ({ support } = found);
          if (shownHere.includes(found.index)) continue;
          marker += `[${found.index}]`;
          shownHere.push(found.index);
        }
        const text = marker === '' ? '' : before + marker;
        shown += writer.mark(text, support);
        return text;
      },
    },
    links ?? null,
  );

  const flush = (): { text: string } => {
    const text = shown;
    shown = '';
    return { text };
  };
  return {
    push: (delta) => {
      reader.push(delta);
      return flush();
    },
    end: () => {
      reader.end();
      shown += writer.end();
      return flush();
    },
    citations: () => structuredClone(citations),
    sentences: () => writer.sentences(),
  };
}

/** The last sentence; then only what follows the marker before, for a sentence that cites in its middle. */
function* claimsBefore(text: string, marks: readonly Mark[]): Generator<string> {
  const last = splitSentences(text).at(-1);
  if (last === undefined) return;
  yield text.slice(last.start, last.end).replace(LIST_NUMBER, '');
  const before = marks.findLast(({ at }) => at < last.end)?.at ?? 0;
  if (before > last.start) yield text.slice(before, last.end);
}
