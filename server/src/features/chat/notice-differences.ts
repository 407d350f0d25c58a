import type { Notice } from '#db/schema/conversations.js';
import { deepLinkOf } from '#rag/text-fragment.js';
import { type DifferingSentence, findDifferingSentences } from '#rag/differing-sentences.js';
import type { Passage } from '#features/retrieval/retrieve-passages.js';

/** Tells of two sentences about the question, among the passages shown, that are equal but for one number or date. */
export function noticeDifferences(question: string, passages: readonly Readonly<Passage>[]): Notice[] {
  const pair = findDifferingSentences(question, passages);
  if (pair === null) return [];
  const message = 'Two places in the sources say this with different numbers.';
  return [{ code: 'sources_differ', message, quotes: pair.map(quoteOf) }];
}

function quoteOf({ passage, start, end }: DifferingSentence<Readonly<Passage>>) {
  const { sourceId, documentId, chunkId, title, url, page, heading, text } = passage;
  const deepLink = deepLinkOf(url, text, { start, end });
  const where = { sourceId, documentId, chunkId, title, url, deepLink, page, heading };
  return {
    ...where,
    quote: text.slice(start, end),
    start: passage.start + start,
    end: passage.start + end,
  };
}
