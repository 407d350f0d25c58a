import type { Metrics } from '#platform/metrics.js';
import type { Embedder } from '#platform/ports/embedder.js';
import { failureOf, inSpan } from '#platform/tracing.js';

/** Measures and traces each call for embeddings. */
export function observeEmbedder(embedder: Embedder, metrics: Metrics): Embedder {
  const label = metrics.modelLabel(embedder.model);
  const span = {
    name: `embeddings ${label}`,
    kind: 'client',
    attributes: { 'gen_ai.operation.name': 'embeddings', 'gen_ai.request.model': label },
  } as const;
  return {
    ...embedder,
    embed: (texts, purpose, signal) =>
      inSpan(span, async ({ set }) => {
        const startedAt = performance.now();
        let outcome = 'ok';
        try {
          const embedded = await embedder.embed(texts, purpose, signal);
          metrics.embeddingTokens.inc({ model: label }, embedded.tokens);
          set({ 'gen_ai.usage.input_tokens': embedded.tokens });
          return embedded;
        } catch (error) {
          outcome = signal.aborted ? 'aborted' : failureOf(error);
          throw error;
        } finally {
          const seconds = (performance.now() - startedAt) / 1000;
          metrics.modelSeconds.observe({ endpoint: 'embeddings', model: label, outcome }, seconds);
        }
      }),
  };
}
