import type { Metrics } from '#platform/metrics.js';
import type { Reranker } from '#platform/ports/reranker.js';
import { failureOf, inSpan } from '#platform/tracing.js';

/** Measures and traces each call for a ranking. */
export function observeReranker(reranker: Reranker, metrics: Metrics): Reranker {
  const label = metrics.modelLabel(reranker.model);
  const span = {
    name: `rerank ${label}`,
    kind: 'client',
    attributes: { 'gen_ai.operation.name': 'rerank', 'gen_ai.request.model': label },
  } as const;
  return {
    ...reranker,
    rerank: (query, documents, signal) =>
      inSpan(span, async () => {
        const startedAt = performance.now();
        let outcome = 'ok';
        try {
          return await reranker.rerank(query, documents, signal);
        } catch (error) {
          outcome = signal.aborted ? 'aborted' : failureOf(error);
          throw error;
        } finally {
          const seconds = (performance.now() - startedAt) / 1000;
          metrics.modelSeconds.observe({ endpoint: 'rerank', model: label, outcome }, seconds);
        }
      }),
  };
}
