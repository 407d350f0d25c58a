import type { AnswerOptions, RetrievalOptions } from '#db/schema/projects.js';

const RETRIEVAL_DEFAULTS: RetrievalOptions = {
  fusion: 'convex',
  semanticWeight: 0.6,
  followUps: 'auto',
  expansion: 'off',
  rerank: 'off',
  translate: 'auto',
};

const ANSWER_DEFAULTS: AnswerOptions = {
  unsupported: 'keep',
  instructions: 'report',
  threshold: 'default',
};

/** A project's settings of retrieval, those that it does not name by their defaults. */
export function retrievalOptionsOf(stored: Partial<RetrievalOptions>): RetrievalOptions {
  return { ...RETRIEVAL_DEFAULTS, ...stored };
}

/** A project's settings of answers, those that it does not name by their defaults. */
export function answerOptionsOf(stored: Partial<AnswerOptions>): AnswerOptions {
  return { ...ANSWER_DEFAULTS, ...stored };
}
