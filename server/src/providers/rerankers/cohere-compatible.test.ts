import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelError } from '#kernel/model-error.js';
import { type FakeReranker, startFakeReranker } from '#test/fakes/fake-reranker.js';
import { createCohereCompatibleReranker } from './cohere-compatible.js';

let fake: FakeReranker;
beforeEach(async () => {
  fake = await startFakeReranker();
});
afterEach(() => fake.close());

const DOCUMENTS = ['one', 'three', 'two'];
const never = new AbortController().signal;
const create = (options: { apiKey?: string | null; timeoutMs?: number } = {}) =>
  createCohereCompatibleReranker({
    baseUrl: `${fake.baseUrl}/`,
    apiKey: 'rerank-key',
    model: 'any-model',
    timeoutMs: 30_000,
    ...options,
  });

describe('a Cohere-compatible endpoint', () => {
  it('gives places, the most relevant first, and the tokens that it counted', async () => {
    const lengths = (document: string) => document.length / 10;
    fake.set({ score: lengths });
    const { results, tokens } = await create().rerank('how many', DOCUMENTS, never);
    expect(results[0]).toEqual({ index: 1, relevance: 0.5 });
    expect(results.map(({ relevance }) => relevance)).toEqual([0.5, 0.3, 0.3]);
    expect(tokens).toBe(42);
    expect(fake.requests).toEqual([
      {
        authorization: 'Bearer rerank-key',
        model: 'any-model',
        query: 'how many',
        documents: DOCUMENTS,
        top_n: 3,
      },
    ]);
    fake.set({ score: (document) => (document === 'two' ? 1 : null) });
    expect((await create({ apiKey: null }).rerank('how many', DOCUMENTS, never)).results).toEqual([
      { index: 2, relevance: 1 },
    ]);
    expect(fake.requests[1]?.authorization).toBeUndefined();
  });

  it('may sort as it likes, and count elsewhere or nowhere', async () => {
    const results = [0.1, 0.9].map((score, index) => ({ index, relevance_score: score, document: {} }));
    fake.set({ body: { results, usage: { total_tokens: 7 } } });
    const ranked = await create().rerank('how many', DOCUMENTS, never);
    expect(ranked).toEqual({
      results: [1, 0].map((index) => ({ index, relevance: results[index]?.relevance_score })),
      tokens: 7,
    });
    fake.set({ body: { results, meta: { tokens: 'many' } } });
    expect((await create().rerank('how many', DOCUMENTS, never)).tokens).toBe(0);
  });

  it.each([
    [{ status: 401 }, 'rejected'],
    [{ status: 503 }, 'unavailable'],
    [{ body: '<!doctype html>' }, 'bad_reply'],
    [{ body: { data: [] } }, 'bad_reply'],
    [{ body: { results: [{ index: 3, relevance_score: 1 }] } }, 'bad_reply'],
    [{ body: { results: [0, 0].map((index) => ({ index, relevance_score: 1 })) } }, 'bad_reply'],
    [{ body: { results: [{ index: 0, relevance_score: 'high' }] } }, 'bad_reply'],
    [{ isHanging: true }, 'timeout'],
  ])('fails by kind, without a word of what was sent: %j', async (fault, kind) => {
    fake.set(fault);
    const waits = kind === 'timeout' ? { timeoutMs: 500 } : {};
    const failure = create(waits).rerank('secret', DOCUMENTS, never);
    const error: ModelError = (await failure.catch((reason: ModelError) => reason)) as ModelError;
    expect(error).toMatchObject({ name: 'ModelError', kind });
    expect(JSON.stringify([error.message, error.cause])).not.toMatch(/secret|rerank-key/u);
  });

  it('is unavailable where nobody listens, and leaves with who waits', async () => {
    const reason = new Error('left');
    await expect(create().rerank('how many', DOCUMENTS, AbortSignal.abort(reason))).rejects.toBe(reason);
    await fake.close();
    await expect(create().rerank('how many', DOCUMENTS, never)).rejects.toMatchObject({
      kind: 'unavailable',
    });
    fake = await startFakeReranker();
  });
});
