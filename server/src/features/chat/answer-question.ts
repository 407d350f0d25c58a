import { newId } from '#kernel/ids.js';
import type { Computed, SearchCache } from '#platform/ports/search-cache.js';
import type { ProjectScope } from '#platform/scope.js';
import { type Passage, retrievePassages } from '#features/retrieval/retrieve-passages.js';
import { meterAnswer } from '#features/usage/meter-answer.js';
import { type AnswerSettings, withSettings } from './answer-settings.js';
import { findChatProject } from './chat.queries.js';
import { type RAGResponse, generateRAGResponse } from './generate-rag-response.js';
import type { Turn } from './open-turn.js';

/** What answering a question needs of the context. */
export type AnswerContext = Parameters<typeof generateRAGResponse>[0];

interface AnsweredQuestion {
  response: RAGResponse;
  /** What was found for it, best first. */
  passages: readonly Readonly<Passage>[];
  latencyMs: number;
}

const MAX_QUERY_LENGTH = 2_000;

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
  const project = withSettings(await findChatProject(ctx.db, scope), settings);
  const tier = project.defaultModel;
  const turn = { project, conversationId: newId(), messageId: newId(), tier, question, history };
  const own = { ...ctx, searchCache: createOwnCache() };
  const startedAt = performance.now();
  let response: RAGResponse | null = null;
  for await (const event of generateRAGResponse(own, scope, turn, signal)) {
    if (event.type === 'response') response = event.response;
  }
  const latencyMs = Math.round(performance.now() - startedAt);
  signal.throwIfAborted();
  if (response === null) throw new Error('an answer ended without a response');
  meterAnswer(ctx, { ...response, tier });
  const query = question.slice(0, MAX_QUERY_LENGTH);
  const { topK, retrieval: mode } = project;
  const { passages } = await retrievePassages(own, scope, { query, topK, mode }, signal);
  return { response, passages, latencyMs };
}

/** For one answer alone: what others found before must not make it look fast, and it need not search twice. */
function createOwnCache(): SearchCache {
  const kept = new Map<string, object>();
  return {
    fetch: async <Value extends object>(
      key: string,
      signal: AbortSignal,
      compute: (signal: AbortSignal) => Promise<Computed<Value>>,
    ) => {
      const known = kept.get(key);
      if (known !== undefined) return { value: known as Value, outcome: 'hit' as const };
      const { value } = await compute(signal);
      kept.set(key, value);
      return { value, outcome: 'miss' as const };
    },
  };
}
