import type { Metrics } from '#platform/metrics.js';
import type { Embedder } from '#platform/ports/embedder.js';
import { failureOf, inSpan } from '#platform/tracing.js';

/** Measures and traces each call for embeddings, also for other models of the endpoint. */
export function observeEmbedder(embedder: Embedder, metrics: Metrics): Embedder {
  return observe(embedder, metrics, new Map());
}

/** @param observed what was made of which embedder: the same one always gives the same */
function observe(embedder: Embedder, metrics: Metrics, observed: Map<Embedder, Embedder>): Embedder {
  const known = observed.get(embedder);
  if (known !== undefined) return known;
  const label = metrics.modelLabel(embedder.model);
  const span = {
    name: `embeddings ${label}`,
    kind: 'client',
    attributes: { 'gen_ai.operation.name': 'embeddings', 'gen_ai.request.model': label },
  } as const;
  const measured: Embedder = {
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
    forModel: (model, dimensions) => observe(embedder.forModel(model, dimensions), metrics, observed),
  };
  observed.set(embedder, measured);
  return measured;
}
