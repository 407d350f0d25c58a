import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { ModelError } from '#kernel/model-error.js';
import { embedByWords } from '#test/fakes/fake-embeddings.js';
import type { FakeOpenAIMode } from '#test/fakes/fake-openai-options.js';
import { startFakeOpenAI, type FakeOpenAI } from '#test/fakes/fake-openai.js';

import { createEmbedder } from './registry.js';

const DIMENSIONS = 8;
const TEXTS = ['The shop opens at eight.', 'A refund takes five days.', 'Beans are roasted on Tuesdays.'];

let fake: FakeOpenAI;

beforeEach(async () => {
  fake = await startFakeOpenAI({ dimensions: DIMENSIONS });
});

afterEach(() => fake.close());

describe('embedding', () => {
  it('gives a vector for each text, in order, and the tokens that the endpoint counted', async () => {
    const { vectors, tokens } = await embed(TEXTS);
    expect(vectors).toEqual(TEXTS.map((text) => new Float32Array(embedByWords(text, DIMENSIONS))));
    expect(tokens).toBe(15);
  });

  it('asks with the key, the model and for base64, and says nothing of dimensions to a model of fixed size', async () => {
    await embed(TEXTS);
    expect(fake.requests[0]?.headers.authorization).toBe('Bearer sk-canary-key');
    expect(fake.requests[0]?.body).toEqual({ model: 'any-model', input: TEXTS, encoding_format: 'base64' });
  });

  it.each(['text-embedding-3-small', 'openai/text-embedding-3-large'])(
    'asks %s for its size',
    async (model) => {
      const { vectors } = await embed(['a'], { model, dimensions: 12 });
      expect(fake.requests[0]?.body).toMatchObject({ model, dimensions: 12 });
      expect(vectors[0]).toHaveLength(12);
    },
  );

  it('asks without a key where there is none, and takes an address that ends in a slash', async () => {
    await embed(TEXTS, { apiKey: null, baseUrl: `${fake.baseUrl}/` });
    expect(fake.requests[0]?.path).toBe('/v1/embeddings');
    expect(fake.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('asks once for each batch, and not at all for nothing', async () => {
    const { vectors, tokens } = await embed(TEXTS, { batchSize: 2 });
    expect(fake.requests.map((request) => request.body['input'])).toEqual([
      TEXTS.slice(0, 2),
      TEXTS.slice(2),
    ]);
    expect(vectors).toHaveLength(3);
    expect(tokens).toBe(15);
    expect(await embed([])).toEqual({ vectors: [], tokens: 0 });
    expect(fake.requests).toHaveLength(2);
  });

  it('puts reordered vectors where their index says', async () => {
    const inOrder = await embed(TEXTS);
    fake.set({ mode: 'reordered' });
    expect(await embed(TEXTS)).toEqual(inOrder);
  });

  it('is 256 texts a call unless told otherwise, and none without a provider', () => {
    expect(createTestEmbedder().batchSize).toBe(256);
    expect(createEmbedder({ provider: 'none' })).toBeNull();
  });
});

describe('an endpoint that fails', () => {
  it.each<[FakeOpenAIMode, ModelError['kind'], string]>([
    ['wrong_dimension', 'bad_reply', 'the embedding endpoint gave 9 dimensions instead of 8'],
    ['nan', 'bad_reply', 'the reply of the embedding endpoint cannot be read'],
    ['not_numbers', 'bad_reply', 'the embedding endpoint gave a value that is no finite number'],
    ['infinite', 'bad_reply', 'the embedding endpoint gave a value that is no finite number'],
    ['too_few', 'bad_reply', 'the embedding endpoint gave 2 vectors for 3 texts'],
    ['too_many', 'bad_reply', 'the embedding endpoint gave 4 vectors for 3 texts'],
    ['huge_reply', 'bad_reply', 'the model endpoint sent more than 67108864 bytes'],
    ['repeated_index', 'bad_reply', 'the embedding endpoint gave a wrong or repeated index 0'],
    ['html', 'bad_reply', 'the reply of the embedding endpoint cannot be read'],
    ['bad_json', 'bad_reply', 'the reply of the embedding endpoint cannot be read'],
    ['server_error', 'unavailable', 'the model endpoint failed (500, server_error)'],
    ['unauthorized', 'rejected', 'the model endpoint refused the request (401, invalid_api_key)'],
    ['reset', 'unavailable', 'the model endpoint cannot be reached (UND_ERR_SOCKET)'],
  ])('by %s is a %s', async (mode, kind, message) => {
    fake.set({ mode, embeddingEncoding: 'numbers' });
    await expect(embed(TEXTS)).rejects.toMatchObject({ name: 'ModelError', kind, message, cause: undefined });
    expect(fake.requests).toHaveLength(kind === 'unavailable' ? 3 : 1);
  });

  it.each<[FakeOpenAIMode, string]>([
    ['wrong_dimension', 'the embedding endpoint gave 9 dimensions instead of 8'],
    ['nan', 'the embedding endpoint gave a value that is no finite number'],
    ['infinite', 'the embedding endpoint gave a value that is no finite number'],
    ['not_numbers', 'the embedding endpoint gave a vector that is no base64'],
  ])('in base64 by %s is a bad reply', async (mode, message) => {
    fake.set({ mode });
    await expect(embed(TEXTS)).rejects.toMatchObject({ kind: 'bad_reply', message });
  });

  it('by its limits says when to come back', async () => {
    fake.set({ mode: 'rate_limited', retryAfter: '20' });
    await expect(embed(TEXTS)).rejects.toMatchObject({ kind: 'rate_limited', retryAfterSeconds: 20 });
  });

  it('in a later batch repeats that batch alone', async () => {
    fake.set({ mode: (_request, call) => (call === 2 ? 'server_error' : 'normal') });
    expect((await embed(TEXTS, { batchSize: 1 })).vectors).toHaveLength(3);
    const asked = fake.requests.map((request) => request.body['input']);
    expect(asked).toEqual([[TEXTS[0]], [TEXTS[1]], [TEXTS[1]], [TEXTS[2]]]);
  });

  it('by too many replies without a good one is left alone, and answers for it at once', async () => {
    fake.set({ mode: 'server_error' });
    const embedder = createTestEmbedder();
    for (let questions = 0; questions < 10; questions += 1) {
      const embedding = embedder.embed(['a'], 'question', new AbortController().signal);
      await expect(embedding).rejects.toMatchObject({ kind: 'unavailable' });
    }
    expect(fake.requests).toHaveLength(5);
    expect(embedder.endpoint.circuit()).toBe('open');
  });

  it('for one try of a batch of passages is asked again', async () => {
    fake.set({ mode: (_request, call) => (call === 1 ? 'hang' : 'normal') });
    const embedder = createTestEmbedder({ tryTimeoutMs: 30 });
    expect((await embedder.embed(['a'], 'passages', new AbortController().signal)).vectors).toHaveLength(1);
    await fake.whenAborted(1);
  });

  it('by hanging is a timeout, and the call is given up', async () => {
    fake.set({ mode: 'hang' });
    await expect(embed(TEXTS, { timeoutMs: { question: 30, passages: 30 } })).rejects.toMatchObject({
      kind: 'timeout',
      message: 'the model endpoint gave no embeddings within 30 ms',
    });
    await fake.whenAborted(1);
  });
});

describe('a caller that leaves', () => {
  it('gets the reason of its signal, and the endpoint is left', async () => {
    fake.set({ mode: 'hang' });
    const controller = new AbortController();
    const embedding = embed(TEXTS, {}, controller.signal);
    await fake.whenRequested(1);
    controller.abort();
    await expect(embedding).rejects.toBe(controller.signal.reason);
    await fake.whenAborted(1);
  });

  it('before it begins asks nothing', async () => {
    const signal = AbortSignal.abort();
    await expect(embed(TEXTS, {}, signal)).rejects.toBe(signal.reason);
    expect(fake.requests).toEqual([]);
  });
});

type EmbedderOptions = Partial<
  Extract<Parameters<typeof createEmbedder>[0], { provider: 'openai-compatible' }>
>;

function createTestEmbedder(options: EmbedderOptions = {}) {
  const embedder = createEmbedder({
    provider: 'openai-compatible',
    baseUrl: fake.baseUrl,
    apiKey: 'sk-canary-key',
    model: 'any-model',
    dimensions: DIMENSIONS,
    timeoutMs: { question: 20_000, passages: 20_000 },
    tryTimeoutMs: 20_000,
    resilience: { pause: async () => {} },
    ...options,
  });
  if (embedder === null) throw new Error('no embedder was made');
  return embedder;
}

function embed(texts: string[], options: EmbedderOptions = {}, signal = new AbortController().signal) {
  return createTestEmbedder(options).embed(texts, 'question', signal);
}
