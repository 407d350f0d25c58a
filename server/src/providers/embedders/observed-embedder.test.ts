import { expect, it, onTestFinished } from 'vitest';

import { createMetrics } from '#platform/metrics.js';
import { startFakeOpenAI } from '#test/fakes/fake-openai.js';

import { observeEmbedder } from './observed-embedder.js';
import { createEmbedder } from './registry.js';

it('measures other models of the endpoint too, and gives the same object for the same model', async () => {
  const fake = await startFakeOpenAI({ dimensions: 8 });
  onTestFinished(() => fake.close());
  const embedder = createEmbedder({
    provider: 'openai-compatible',
    baseUrl: fake.baseUrl,
    apiKey: null,
    model: 'first-model',
    dimensions: 8,
    timeoutMs: { question: 20_000, passages: 20_000 },
    tryTimeoutMs: 20_000,
  });
  if (embedder === null) throw new Error('no embedder was made');
  const metrics = createMetrics();
  const observed = observeEmbedder(embedder, metrics);
  const other = observed.forModel('second-model', 8);
  expect(observed.forModel('second-model', 8)).toBe(other);
  expect(other.forModel('first-model', 8)).toBe(observed);

  await other.embed(['two words'], 'passages', new AbortController().signal);
  const { values } = await metrics.embeddingTokens.get();
  expect(values.map(({ labels, value }) => [labels, value])).toEqual([[{ model: 'second-model' }, 2]]);
});
