import { newId } from '#kernel/ids.js';
import type { SearchCache } from '#platform/ports/search-cache.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import type { Passage } from '#features/retrieval/retrieve-passages.js';
import { meterAnswer } from '#features/usage/meter-answer.js';
import { type AnswerSettings, withSettings } from './answer-settings.js';
import { findChatProject } from './chat.queries.js';
import { type RAGEvent, type RAGResponse, generateRAGResponse } from './generate-rag-response.js';
import type { Turn } from './open-turn.js';

/** What answering a question needs of the context. */
export type AnswerContext = Parameters<typeof generateRAGResponse>[0];

interface AnsweredQuestion {
  response: RAGResponse;
  /** What was found for it, best first. */
  passages: readonly Readonly<Passage>[];
  latencyMs: number;
}

/**
 * Answers a question as a conversation would, under other settings, and stores nothing of it.
 * @throws the reason of `signal`
 */
export async function answerQuestion(
  ctx: AnswerContext,
  scope: ProjectScope,
  input: Pick<Turn, 'question' | 'history'> & { settings: AnswerSettings },
  signal: AbortSignal,
): Promise<AnsweredQuestion> {
  const { question, history, settings } = input;
  const own = await readInProject(ctx, scope, (tx) => findChatProject(tx.db, scope));
  const project = withSettings(own, settings);
  const tier = project.defaultModel;
  const turn = {
    project,
    conversationId: newId(),
    messageId: newId(),
    tier,
    question,
    reservation: null,
    history,
  };
  const uncached = { ...ctx, searchCache: NO_CACHE };
  const startedAt = performance.now();
  let end: Extract<RAGEvent, { type: 'response' }> | null = null;
  for await (const event of generateRAGResponse(uncached, scope, turn, signal)) {
    if (event.type === 'response') end = event;
  }
  const latencyMs = Math.round(performance.now() - startedAt);
  signal.throwIfAborted();
  if (end === null) throw new Error('an answer ended without a response');
  const { response, passages } = end;
  meterAnswer(ctx, { ...response, tier });
  return { response, passages: passages.slice(0, project.topK), latencyMs };
}

/** What others found before must not make an answer look fast. */
const NO_CACHE: SearchCache = {
  fetch: async (_key, signal, compute) => {
    const { value } = await compute(signal);
    return { value, outcome: 'miss' };
  },
};
