import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { SourceOrigin } from '#db/schema/sources.js';
import { sha256Hex } from '#kernel/hash.js';
import { SourceError } from '#kernel/source-error.js';
import { detectLanguage } from '#rag/analyzer/detect-language.js';
import { countTokens } from '#rag/count-tokens.js';
import { comparableQuestion } from '#rag/comparable-question.js';
import { normalizeText } from '../extractors/normalize-text.js';
import type { QuestionChunk, ReadDocument, Reader } from './reader.js';

const pairsSchema = z.array(z.object({ question: z.string(), answer: z.string() }));
const SEPARATOR = '\n\n';

export const readQuestionsAndAnswers: Reader<Extract<SourceOrigin, { type: 'qa' }>> = async (ctx, source) => {
  const stored = await text(await ctx.storage.read(source.origin.fileKey));
  return readPairs(source.name, pairsSchema.parse(JSON.parse(stored)));
};

/** Questions with their answers: each pair is one chunk, under its question as the heading. @throws SourceError `empty` */
export function readPairs(name: string, written: z.infer<typeof pairsSchema>): ReadDocument {
  const pairs = written.flatMap(({ question, answer }) => {
    const asked = normalizeText(question, 'plain').replace(/\s+/g, ' ').trim();
    const told = normalizeText(answer, 'markdown');
    return asked === '' || told === '' ? [] : [{ question: asked, answer: told }];
  });
  if (pairs.length === 0) throw new SourceError('empty', 'There is no question with an answer in it.');
  let content = '';
  const questions: QuestionChunk[] = [];
  const chunks = pairs.map(({ question, answer }) => {
    if (content !== '') content += SEPARATOR;
    const start = content.length;
    const answerStart = question.length + SEPARATOR.length;
    content += `${question}${SEPARATOR}${answer}`;
    questions.push({ questionKey: sha256Hex(comparableQuestion(question)), answerStart });
    const tokenCount = countTokens(content.slice(start));
    return { start, end: content.length, page: null, headings: [question], tokenCount };
  });
  return {
    key: 'content',
    title: name,
    url: null,
    extracted: {
      title: name,
      content,
      format: 'markdown',
      pages: [],
      language: detectLanguage(content),
      chunks,
      page: null,
    },
    questions,
  };
}
