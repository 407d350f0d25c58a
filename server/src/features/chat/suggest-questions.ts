import type { Refusal } from '#db/schema/conversations.js';
import type { ProjectScope } from '#platform/scope.js';
import { analyzeQuery } from '#rag/analyzer/analyze.js';
import { comparableQuestion } from '#rag/comparable-question.js';
import { distinctQuestions, questionCandidates } from '#rag/question-candidates.js';
import {
  type Passage,
  type RetrievalContext,
  retrievePassages,
} from '#features/retrieval/retrieve-passages.js';
import type { ChatProject } from './chat.queries.js';
import { answerThreshold } from './decide-refusal.js';
import { readsLikeOrders } from './screen-instructions.js';

const MAX_SUGGESTIONS = 3;
const MAX_CHECKS = 6;
/** Of its own questions a project may have more than are checked: some room is left for those near the question. */
const MAX_OWN_CHECKS = 4;
/** A passage below this share of a match has nothing to do with the question. */
const NEAR_SCORE = 0.15;
/** No model is asked for a suggestion. */
const BY_WORDS = { expansion: 'off', rerank: 'off', translate: 'off' } as const;

/**
 * Questions near one that was refused that would be answered: the project's own, and what the passages found are
 * answers to. Each is asked of the index by its words; where no model is to be had, only those count that are answered
 * without one, to the letter of their pair. Empty where there is nothing sound.
 */
export async function suggestQuestions(
  ctx: RetrievalContext,
  scope: ProjectScope,
  input: {
    project: ChatProject;
    question: string;
    passages: readonly Readonly<Passage>[];
    reason: Refusal['reason'];
  },
  signal: AbortSignal,
): Promise<string[]> {
  const { project, question, passages, reason } = input;
  const near = passages.filter(
    (passage) => Math.max(passage.score, passage.keyword ?? 0) >= NEAR_SCORE && !readsLikeOrders(passage),
  );
  const own = byNearness(project.suggestedQuestions, question, project.language);
  const asked = comparableQuestion(question);
  const candidates = distinctQuestions([...own.slice(0, MAX_OWN_CHECKS), ...questionCandidates(near)]).filter(
    (candidate) => comparableQuestion(candidate) !== asked,
  );
  const suggestions: string[] = [];
  for (const candidate of candidates.slice(0, MAX_CHECKS)) {
    if (suggestions.length === MAX_SUGGESTIONS || signal.aborted) break;
    const search = { query: candidate, mode: 'keyword', topK: 1, options: BY_WORDS } as const;
    const found = await retrievePassages(ctx, scope, search, signal).catch((error: unknown) => {
      // A stop ends the search for suggestions; the refusal stands.
      if (signal.aborted) return null;
      throw error;
    });
    if (found === null) break;
    const [best] = found.passages;
    if (best === undefined || found.relevance < answerThreshold(project) || readsLikeOrders(best)) continue;
    if (reason === 'unavailable' && best.answerStart === null) continue;
    suggestions.push(candidate);
  }
  return suggestions;
}

/** Those first that share the most words with the question; else in the owner's order. */
function byNearness(own: readonly string[], question: string, language: string | null): string[] {
  const terms = new Set(analyzeQuery(question, language === null ? [] : [language]));
  const shared = (candidate: string) =>
    analyzeQuery(candidate, language === null ? [] : [language]).filter((term) => terms.has(term)).length;
  return own
    .map((candidate) => ({ candidate, count: shared(candidate) }))
    .toSorted((a, b) => b.count - a.count)
    .map(({ candidate }) => candidate);
}
