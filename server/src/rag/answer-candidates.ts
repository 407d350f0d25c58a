import { analyzeText } from './analyzer/analyze.js';
import { sentenceBody } from './evidence.js';
import type { PromptPassage } from './passages.js';
import { splitSentences } from './sentences.js';
import type { Span } from './sentences.js';

/** A sentence that may answer, as it would be shown, with what stands above it. */
export interface AnswerCandidate {
  passage: PromptPassage;
  /** Position among the sentences of its passage. */
  position: number;
  /** On one line, without marks of lists, tables and references. */
  text: string;
  terms: string[];
  /** Terms of the heading or the question directly above, which the sentence need not repeat. */
  nearTerms: ReadonlySet<string>;
  /** Terms of title and headings further above. */
  farTerms: ReadonlySet<string>;
}

const HEADING = /^#{1,6}\s/u;
const QUESTION_MARK = /[?？؟]["'”»）)*_]*$/u;
const CODE_FENCE = /^(?:```|~~~)/u;
const WORD = /[\p{L}\p{N}]/u;

const LONGEST_SENTENCE_CHARACTERS = 600;
const LINK = /!?\[([^\][]*)\]\([^()\s]*(?:\s[^()]*)?\)/gu;
/** Numbers in brackets, which would be read as markers; in code they stay. */
const REFERENCE = /(?<code>`[^`]*`)|\s*[[【]\s*\^?\d{1,4}(?:\s*[,;，、]\s*\^?\d{1,4})*\s*[\]】]/gu;

/** The sentences of a passage that could stand as an answer: no headings, no questions, no rules of tables. */
export function answerCandidates(passage: PromptPassage, language: string): AnswerCandidate[] {
  const candidates: AnswerCandidate[] = [];
  const sentences = splitSentences(passage.text);
  const outer = new Set(analyzeText(`${passage.title}\n${passage.heading ?? ''}`, language));
  let farTerms = outer;
  let nearTerms: ReadonlySet<string> = new Set(analyzeText(passage.heading ?? '', language));
  for (const [position, sentence] of sentences.entries()) {
    const raw = passage.text.slice(sentence.start, sentence.end);
    if (isHeadingOrQuestion(passage, sentence, sentences[position + 1])) {
      const above = analyzeText(raw, language);
      nearTerms = new Set(above);
      farTerms = new Set([...outer, ...above]);
      continue;
    }
    const text = shownText(passage.text, sentence);
    if (CODE_FENCE.test(raw) || !WORD.test(text)) continue;
    candidates.push({ passage, position, text, terms: analyzeText(text, language), nearTerms, farTerms });
    nearTerms = NO_TERMS;
  }
  return candidates;
}

const NO_TERMS: ReadonlySet<string> = new Set();

/** A heading by its mark, its underline or by being `passage.heading` again; a question by its last character. */
function isHeadingOrQuestion(passage: PromptPassage, sentence: Span, next: Span | undefined): boolean {
  const raw = passage.text.slice(sentence.start, sentence.end);
  if (HEADING.test(raw) || QUESTION_MARK.test(raw)) return true;
  const isUnderlined = next !== undefined && /^(?:=+|-{2,})$/u.test(passage.text.slice(next.start, next.end));
  return isUnderlined || raw === passage.heading || raw === passage.title;
}

function shownText(text: string, sentence: Span): string {
  const { start, end } = sentenceBody(text, sentence);
  const plain = text
    .slice(start, end)
    .replaceAll(LINK, '$1')
    .replaceAll(REFERENCE, (match, code: string | undefined) => (code === undefined ? '' : match))
    .replaceAll(/\*\*|__/gu, '')
    .replaceAll(/\s*\|\s*/gu, ', ')
    .replaceAll(/\s+/gu, ' ')
    .trim();
  const hasOpenCode = /``/u.test(plain) || plain.split('`').length % 2 === 0;
  return shorten(hasOpenCode ? plain.replaceAll('`', '') : plain);
}

function shorten(text: string): string {
  if (text.length <= LONGEST_SENTENCE_CHARACTERS) return text;
  const cut = text.slice(0, LONGEST_SENTENCE_CHARACTERS);
  const space = cut.lastIndexOf(' ');
  return `${(space > LONGEST_SENTENCE_CHARACTERS / 2 ? cut.slice(0, space) : cut.toWellFormed()).replaceAll('`', '')} …`;
}
