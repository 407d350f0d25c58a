import type { Refusal } from '#db/schema/conversations.js';
import { answerOptionsOf } from '#features/projects/project-options.js';
import type { ChatProject } from './chat.queries.js';

/** Below this a passage is not about the question (retrieval.md: calibrated on BM25 over the sum of idf). */
const LEAST_SCORE = 0.4;

type Thresholds = Pick<ChatProject, 'answerOptions' | 'calibratedScore' | 'minScore'>;

/** The relevance from which on the sources are about the question: 0.4, or what was measured where that is wanted. */
export function relevanceThreshold({ answerOptions, calibratedScore }: Thresholds): number {
  if (answerOptionsOf(answerOptions).threshold === 'default') return LEAST_SCORE;
  return calibratedScore ?? LEAST_SCORE;
}

/** The relevance from which on an answer is given. */
export function answerThreshold(project: Thresholds): number {
  return Math.max(relevanceThreshold(project), project.minScore ?? 0);
}

/** Why nothing is answered to a question that the sources fit this well; null: it is answered. */
export function decideRefusal(
  project: Thresholds,
  { relevance, isIndexing }: { relevance: number; isIndexing: boolean },
): Refusal['reason'] | null {
  if (relevance < relevanceThreshold(project)) return isIndexing ? 'still_indexing' : 'no_match';
  return relevance < answerThreshold(project) ? 'low_confidence' : null;
}

/** Why a model that ran wrote nothing: it found no answer, was not let, failed, or spent its tokens on thinking. */
export function reasonForNothing(end: {
  isBlocked: boolean;
  hasFailed: boolean;
  isComplete: boolean;
  isIndexing: boolean;
}): Refusal['reason'] {
  if (end.isBlocked) return 'blocked';
  if (end.hasFailed || !end.isComplete) return 'unavailable';
  return end.isIndexing ? 'still_indexing' : 'no_match';
}
