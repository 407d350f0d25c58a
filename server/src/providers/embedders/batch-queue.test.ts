import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { ModelError } from '#kernel/model-error.js';
import type { Embedder } from '#platform/ports/embedder.js';
import { embedByWords, wordsOf } from '#test/fakes/fake-embeddings.js';
import type { FakeOpenAIMode } from '#test/fakes/fake-openai-options.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';
import { createInstantWaits } from '#test/fakes/instant-waits.js';
import { type TokenGate, createTokenGate } from '#test/fakes/token-gate.js';

import { createEmbedder } from './registry.js';

const DIMENSIONS = 8;
const never = new AbortController().signal;

let fake: FakeOpenAI;
let gate: TokenGate;

beforeEach(async () => {
  gate = createTokenGate();
  fake = await startFakeOpenAI({ dimensions: DIMENSIONS, retryAfter: '7' });
});

afterEach(() => fake.close());

const textsOf = (name: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${name} text ${at}`);
const vectorsOf = (texts: string[]) => texts.map((text) => new Float32Array(embedByWords(text, DIMENSIONS)));
const asked = () => fake.requests.map((request) => request.body['input'] as string[]);
const passages = (embedder: Embedder, texts: string[], signal = never) =>
  embedder.embed(texts, 'passages', signal);

function createTestEmbedder(batchSize: number): Embedder {
  const embedder = createEmbedder({
    provider: 'openai-compatible',
    baseUrl: fake.baseUrl,
    apiKey: null,
    model: 'any-model',
    dimensions: DIMENSIONS,
    batchSize,
    timeoutMs: { question: 20_000, passages: 20_000 },
    tryTimeoutMs: 20_000,
    resilience: createInstantWaits(),
  });
  if (embedder === null) throw new Error('no embedder was made');
  return embedder;
}

describe('passages of several callers', () => {
  it('fill the calls together, and each caller gets its own vectors and tokens', async () => {
    const embedder = createTestEmbedder(10);
    const callers = Array.from({ length: 7 }, (_, caller) => textsOf(`caller${caller}`, 3 + caller));
    const embedded = await Promise.all(callers.map((texts) => passages(embedder, texts)));
    expect(embedded.map(({ vectors }) => vectors)).toEqual(callers.map(vectorsOf));
    // 42 texts: four full calls, and what is left.
    expect(
      asked()
        .map((texts) => texts.length)
        .toSorted((a, b) => b - a),
    ).toEqual([10, 10, 10, 10, 2]);
    expect(asked().flat().toSorted()).toEqual(callers.flat().toSorted());
    const tokens = embedded.reduce((sum, one) => sum + one.tokens, 0);
    expect(tokens).toBe(callers.flat().reduce((sum, text) => sum + wordsOf(text).length, 0));
  });

  it('of one caller alone go out though they fill no call, and nothing is asked for nothing', async () => {
    const embedder = createTestEmbedder(10);
    expect((await passages(embedder, ['a'])).vectors).toEqual(vectorsOf(['a']));
    expect(await passages(embedder, [])).toEqual({ vectors: [], tokens: 0 });
    expect(asked()).toEqual([['a']]);
  });

  it('are no more in one call than an endpoint takes tokens', async () => {
    const embedder = createTestEmbedder(100);
    const long = 'word '.repeat(60_000);
    const giant = 'word '.repeat(200_000);
    await Promise.all(
      [
        [`a ${long}`, `b ${long}`, `c ${long}`, 'd'],
        [giant, 'e'],
      ].map((texts) => passages(embedder, texts)),
    );
    const calls = asked()
      .map((texts) => texts.map((text) => text.slice(0, 1)).join(''))
      .toSorted();
    expect(calls).toEqual(['ab', 'cd', 'e', 'w']);
  });

  it('wait, at most four calls at first, and a question waits for none of them', async () => {
    fake.set({ replyGate: gate });
    const embedder = createTestEmbedder(1);
    expect([embedder.batchSize, embedder.windowSize]).toEqual([1, 8]);
    const embedding = passages(embedder, textsOf('passage', 20));
    await fake.whenRequested(4);
    const answering = embedder.embed(['how much?'], 'question', never);
    await fake.whenRequested(5);
    expect(asked()[4]).toEqual(['how much?']);
    gate.open();
    expect((await answering).vectors).toEqual(vectorsOf(['how much?']));
    expect((await embedding).vectors).toEqual(vectorsOf(textsOf('passage', 20)));
    expect(fake.requests).toHaveLength(21);
  });

  it('lose nothing when one caller leaves; a call that nobody waits for any more is left', async () => {
    fake.set({ replyGate: gate });
    const embedder = createTestEmbedder(4);
    const leaving = new AbortController();
    const left = passages(embedder, textsOf('left', 6), leaving.signal);
    const kept = passages(embedder, textsOf('kept', 2));
    await fake.whenRequested(2);
    leaving.abort(new Error('the job was cancelled'));
    await expect(left).rejects.toThrow('the job was cancelled');
    await fake.whenAborted(1);
    gate.open();
    expect((await kept).vectors).toEqual(vectorsOf(textsOf('kept', 2)));
    expect(fake.abortedRequests).toBe(1);
  });

  it('of a caller that left before its turn are never sent', async () => {
    fake.set({ replyGate: gate });
    const embedder = createTestEmbedder(1);
    const first = passages(embedder, textsOf('first', 4));
    await fake.whenRequested(4);
    const leaving = new AbortController();
    const left = passages(embedder, textsOf('left', 3), leaving.signal);
    const last = passages(embedder, textsOf('last', 1));
    leaving.abort();
    await expect(left).rejects.toBe(leaving.signal.reason);
    gate.open();
    await Promise.all([first, last]);
    expect(asked().flat()).toEqual([...textsOf('first', 4), 'last text 0']);
  });

  it('that are refused for one text fail its caller alone', async () => {
    fake.set({
      mode: ({ body }) => ((body['input'] as string[]).includes('bad text 1') ? 'bad_request' : 'normal'),
    });
    const embedder = createTestEmbedder(10);
    const outcomes = await Promise.allSettled(
      ['good', 'bad', 'fine'].map((name) => passages(embedder, textsOf(name, 2))),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { kind: 'rejected' } });
    // Once together, once each.
    expect(asked().map((texts) => texts.length)).toEqual([6, 2, 2, 2]);
  });

  it.each<FakeOpenAIMode>(['too_few', 'wrong_dimension', 'nan', 'infinite', 'repeated_index', 'html'])(
    'all fail by a reply with %s, which is not asked for again',
    async (mode) => {
      fake.set({ mode });
      const embedder = createTestEmbedder(10);
      const outcomes = await Promise.allSettled(
        ['one', 'two'].map((name) => passages(embedder, textsOf(name, 2))),
      );
      const kinds = outcomes.map(
        (outcome) => outcome.status === 'rejected' && (outcome.reason as ModelError).kind,
      );
      expect(kinds).toEqual(['bad_reply', 'bad_reply']);
      expect(fake.requests).toHaveLength(1);
    },
  );

  it('fail as a whole where one of its calls fails, and the rest is not sent', async () => {
    fake.set({ mode: (_request, call) => (call === 2 ? 'unauthorized' : 'normal'), replyGate: gate });
    const embedding = passages(createTestEmbedder(1), textsOf('a', 50));
    await expect(embedding).rejects.toMatchObject({ kind: 'rejected' });
    expect(fake.requests.length).toBeLessThan(8);
  });
});

describe('an endpoint that is busy', () => {
  it('is asked again for what it turned away, and for nothing else, and nothing is lost', async () => {
    fake.set({ mode: (_request, call) => (call % 20 === 0 ? 'rate_limited' : 'normal') });
    const texts = textsOf('passage', 400);
    const embedder = createTestEmbedder(4);
    expect((await passages(embedder, texts)).vectors).toEqual(vectorsOf(texts));
    // 100 calls and five that were turned away.
    expect(fake.requests).toHaveLength(105);
    expect(embedder.endpoint.circuit()).toBe('closed');
  });

  it('is asked by half as many calls, and by more again as it answers', async () => {
    fake.set({ replyGate: gate, mode: (_request, call) => (call === 1 ? 'overloaded' : 'normal') });
    const embedding = passages(createTestEmbedder(1), textsOf('passage', 16));
    // Of four one was turned away at once; its place is not filled, for two are the limit now.
    await fake.whenRequested(4);
    gate.release(2);
    await fake.whenRequested(6);
    expect(fake.requests).toHaveLength(6);
    gate.open();
    expect((await embedding).vectors).toHaveLength(16);
    expect(fake.requests).toHaveLength(17);
  });

  it('is not lost to patience: it may turn a call away more often than a call is tried', async () => {
    fake.set({ mode: (_request, call) => (call <= 4 ? 'rate_limited' : 'normal') });
    expect((await passages(createTestEmbedder(1), ['a'])).vectors).toEqual(vectorsOf(['a']));
    expect(fake.requests).toHaveLength(5);
  });

  it('is not asked by patient calls for ever', async () => {
    fake.set({ mode: 'rate_limited', retryAfter: '0' });
    await expect(passages(createTestEmbedder(1), ['a'])).rejects.toMatchObject({ name: 'ModelError' });
    expect(fake.requests.length).toBeLessThan(30);
  });
});

describe('another model of the endpoint', () => {
  it('is the same object for the same arguments, with calls of its own and one circuit', async () => {
    const embedder = createTestEmbedder(10);
    const other = embedder.forModel('text-embedding-3-small', 4);
    expect(embedder.forModel('text-embedding-3-small', 4)).toBe(other);
    expect(other.forModel('any-model', DIMENSIONS)).toBe(embedder);
    expect(embedder.forModel('text-embedding-3-small', 8)).not.toBe(other);
    expect(other.endpoint).toBe(embedder.endpoint);
    const [mine, others] = await Promise.all([passages(embedder, ['a']), passages(other, ['a'])]);
    expect([mine.vectors[0]?.length, others.vectors[0]?.length]).toEqual([8, 4]);
    expect(fake.requests.map(({ body }) => [body['model'], body['dimensions']])).toEqual([
      ['any-model', undefined],
      ['text-embedding-3-small', 4],
    ]);
  });
});

describe('the encoding of vectors', () => {
  it('is that of the endpoint where it sends numbers all the same', async () => {
    fake.set({ embeddingEncoding: 'numbers' });
    expect((await passages(createTestEmbedder(4), ['a'])).vectors).toEqual(vectorsOf(['a']));
    expect(fake.requests).toHaveLength(1);
  });

  it('is numbers for good once base64 was refused', async () => {
    fake.set({ embeddingEncoding: 'base64_refused' });
    const embedder = createTestEmbedder(4);
    for (const text of ['a', 'b'])
      expect((await passages(embedder, [text])).vectors).toEqual(vectorsOf([text]));
    expect(fake.requests.map(({ body }) => body['encoding_format'])).toEqual(['base64', 'float', 'float']);
  });

  it('stays base64 where a refusal was about something else', async () => {
    fake.set({ mode: (_request, call) => (call === 1 ? 'bad_request' : 'normal') });
    const embedder = createTestEmbedder(4);
    await expect(passages(embedder, ['a'])).rejects.toMatchObject({ kind: 'rejected' });
    await passages(embedder, ['a']);
    expect(fake.requests.map(({ body }) => body['encoding_format'])).toEqual(['base64', 'base64']);
  });
});
