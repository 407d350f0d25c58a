import { comparableQuestion } from './comparable-question.js';
import { sentenceBody } from './evidence.js';
import { splitSentences } from './sentences.js';

const SHORTEST_CHARACTERS = 4;
const LONGEST_CHARACTERS = 200;
const QUESTION_END = /[?？؟;՞⸮]["”’»」)]*$/u;
const EMPHASIS = /[*_`]+/gu;
const HEADING_SEPARATOR = ' › ';
/** A file or an address says nothing to ask. */
const FILE_NAME = /^\S+\.\w{2,5}$|:\/\//u;

/**
 * What could be asked so that these passages answer it, the likeliest first, without repetitions: headings that are
 * questions, questions that stand in the texts, headings and titles as they are.
 */
export function questionCandidates(
  passages: readonly { title: string; heading: string | null; text: string }[],
): string[] {
  const headings = passages.flatMap(({ heading }) => (heading === null ? [] : [lastHeading(heading)]));
  const inTexts = passages.flatMap(({ text }) =>
    splitSentences(text).map((sentence) => {
      const { start, end } = sentenceBody(text, sentence);
      return text.slice(start, end);
    }),
  );
  const questions = [...headings, ...inTexts].filter((line) => QUESTION_END.test(line.trim()));
  const titles = passages.filter(({ heading }) => heading === null).map(({ title }) => title);
  return distinctQuestions([...questions, ...headings, ...titles]);
}

/** Questions in one line each, the first of those that ask the same. */
export function distinctQuestions(questions: readonly string[]): string[] {
  const seen = new Set<string>();
  return questions
    .map((question) => question.replaceAll(EMPHASIS, '').replaceAll(/\s+/gu, ' ').trim())
    .filter((question) => {
      const key = comparableQuestion(question);
      const isUsable =
        question.length >= SHORTEST_CHARACTERS &&
        question.length <= LONGEST_CHARACTERS &&
        !FILE_NAME.test(question) &&
        !seen.has(key);
      seen.add(key);
      return isUsable;
    });
}

function lastHeading(heading: string): string {
  return heading.split(HEADING_SEPARATOR).at(-1) ?? heading;
}
