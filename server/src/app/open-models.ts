import type { Config } from '#platform/config/config.js';
import type { Context } from '#platform/context.js';
import type { Metrics } from '#platform/metrics.js';
import { observeChatModel } from '#providers/chat-models/observed-chat-model.js';
import { createChatModel } from '#providers/chat-models/registry.js';
import { observeEmbedder } from '#providers/embedders/observed-embedder.js';
import { createEmbedder } from '#providers/embedders/registry.js';
import { createCohereCompatibleReranker } from '#providers/rerankers/cohere-compatible.js';
import { observeReranker } from '#providers/rerankers/observed-reranker.js';
import { countEndpointEvents } from '#providers/resilience/endpoint-metrics.js';

const CHAT_MODEL_TIMEOUTS = {
  firstTokenTimeoutMs: 30_000,
  betweenTokensTimeoutMs: 20_000,
  totalTimeoutMs: 180_000,
};
/** Somebody waits for the first; an ingestion waits for an endpoint that may come back. */
const EMBEDDING_TIMEOUTS = { timeoutMs: { question: 5_000, passages: 120_000 }, tryTimeoutMs: 60_000 };
/** Somebody waits, and can do without. */
const RERANK_TIMEOUT_MS = 2_500;

/** The models that the configuration names, each call measured. */
export function openModels(
  { models }: Pick<Config, 'models'>,
  metrics: Metrics,
): Pick<Context, 'chatModel' | 'embedder' | 'reranker'> {
  const { endpoint, embedding, rerank } = models;
  const resilience = { onEvent: countEndpointEvents(metrics) };
  const chatModel = createChatModel(
    endpoint === null
      ? { provider: 'builtin' }
      : {
          provider: 'openai-compatible',
          ...endpoint,
          defaultModels: models.chat,
          ...CHAT_MODEL_TIMEOUTS,
          resilience,
        },
  );
  const embedder = createEmbedder(
    endpoint === null || embedding === null
      ? { provider: 'none' }
      : { provider: 'openai-compatible', ...endpoint, ...embedding, ...EMBEDDING_TIMEOUTS, resilience },
  );
  const reranker =
    rerank && createCohereCompatibleReranker({ ...rerank, timeoutMs: RERANK_TIMEOUT_MS, resilience });
  return {
    reranker: reranker && observeReranker(reranker, metrics),
    chatModel: observeChatModel(chatModel, metrics),
    embedder: embedder === null ? null : observeEmbedder(embedder, metrics),
  };
}
