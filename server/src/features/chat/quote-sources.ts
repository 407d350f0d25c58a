import type { AnswerSentence, Citation, Notice } from '#db/schema/conversations.js';
import type { ModelErrorKind } from '#kernel/model-error.js';
import type { ContextPassage } from '#rag/build-rag-context.js';
import { composeExtractiveAnswer } from '#rag/extractive-answer.js';
import { splitSentences } from '#rag/sentences.js';
import { deepLinkOf } from '#rag/text-fragment.js';
import type { Passage } from '#features/retrieval/retrieve-passages.js';
import { type DraftRules, draftAnswer } from './draft-answer.js';

/** What messages name as the model that needs no endpoint. */

/** The end of code or of a table in Markdown: with anything after it, it is none. */
const BLOCK_END = /^[ \t>]*(?:`{3,}|~{3,}|\|.*\|)$(?![\s\S])/m;

const CAUSES: Record<ModelErrorKind, string> = {
  rate_limited: 'takes no more requests at the moment',
  unavailable: 'could not be reached',
  timeout: 'did not answer in time',
  rejected: 'refused the request',
  bad_reply: 'gave no readable answer',
  cut: 'gave no readable answer',
};

interface QuotedAnswer {
  content: string;
  citations: Citation[];
  sentences: AnswerSentence[];
}

/** The answer of the built-in model in place of one that failed; null where the passages hold nothing to quote. */
export function quoteSources(
  question: string,
  passages: readonly ContextPassage<Passage>[],
  language: string,
  rules: DraftRules,
): QuotedAnswer | null {
  const draft = draftAnswer(passages, language, rules);
  draft.push(composeExtractiveAnswer(question, passages, language));
  draft.end(true);
  if (draft.content() === '') return null;
  return { content: draft.content(), citations: draft.citations(), sentences: draft.sentences() };
}

/** The answer to the very question that was asked, as its owner wrote it, with where it stands. */
export function quoteAnswer(passage: Passage & { answerStart: number }): QuotedAnswer {
  const quote = passage.text.slice(passage.answerStart);
  const { sourceId, documentId, chunkId, title, url, page, heading } = passage;
  const start = passage.start + passage.answerStart;
  const span = { start: passage.answerStart, end: passage.text.length };
  const deepLink = deepLinkOf(url, passage.text, span);
  const where = { sourceId, documentId, chunkId, title, url, deepLink, page, heading };
  const citation = { index: 1, ...where, quote, start, end: start + quote.length };
  const content = `${quote}${BLOCK_END.test(quote) ? '\n\n' : ' '}[1]`;
  const sentences = splitSentences(quote).map((sentence) => ({ ...sentence, support: 'located' as const }));
  return { content, citations: [citation], sentences };
}

export function modelUnavailable(kind: ModelErrorKind): Notice {
  return {
    code: 'model_unavailable',
    message: `The chat model ${CAUSES[kind]}: the answer quotes the sources instead.`,
  };
}
