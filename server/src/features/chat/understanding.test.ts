import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Reply, type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeMessage, answerFromNumberedSources } from '#test/fakes/fake-answer.js';
import type { FakeOpenAIMode, RecordedRequest } from '#test/fakes/fake-openai-options.js';
import { type FakeOpenAI, startFakeOpenAI } from '#test/fakes/fake-openai.js';
import { type FakeReranker, startFakeReranker } from '#test/fakes/fake-reranker.js';

const SOURCES = {
  Returns: 'Money is returned within five days after the parcel came back.',
  Kettle: 'The kettle is red, holds one litre, and costs forty euros.',
  'Kettle of steel': 'The kettle of steel keeps warm for an hour and costs ninety euros.',
  'Small kettle': 'The small kettle is for camping and costs twenty euros.',
  Beans: 'Beans are roasted on Tuesdays and Fridays.',
};

interface Traced {
  message: Reply['body'];
  trace: Reply['body'];
}

/** Asks in a new project that holds the sources. */
async function askIn(app: TestApp, settings: object, question: string): Promise<Traced> {
  const { token } = await app.register();
  const projectId = await app.createProject(token, { retrievalOptions: settings });
  for (const [name, text] of Object.entries(SOURCES)) {
    await app.addSource(token, projectId, { type: 'text', name, text });
  }
  return askAgain(app, token, projectId, question);
}

async function askAgain(app: TestApp, token: string, projectId: string, question: string): Promise<Traced> {
  const path = `/v1/projects/${projectId}`;
  const body = { message: question };
  const { message } = (await app.request('POST', `${path}/chat`, { token, body })).body;
  const trace = await app.request('GET', `${path}/messages/${message.id}/trace`, { token });
  return { message, trace: trace.body };
}

const titles = (candidates: { title: string }[]) => candidates.map(({ title }) => title);
const taskOf = (messages: readonly FakeMessage[]) => messages[0]?.content ?? '';

/** A model that does the task which `start` names, and answers honestly. */
const replying = (start: string, reply: string) => (messages: readonly FakeMessage[]) =>
  taskOf(messages).startsWith(start) ? reply : answerFromNumberedSources(messages);

/** Fails at the task which `start` names. */
const failing = (start: string, mode: FakeOpenAIMode) => (request: RecordedRequest) => {
  const messages = request.body['messages'] as FakeMessage[] | undefined;
  return messages !== undefined && taskOf(messages).startsWith(start) ? mode : 'normal';
};

describe('a model that helps to find an answer', () => {
  let fake: FakeOpenAI;
  let app: TestApp;

  beforeAll(async () => {
    fake = await startFakeOpenAI({ dimensions: 64 });
    app = await createTestApp({
      environment: {
        OPENAI_BASE_URL: fake.baseUrl,
        OPENAI_EMBEDDING_DIMENSIONS: '64',
        OPENAI_CHAT_MODEL_MINI: 'gpt-5-mini',
      },
    });
  });
  afterAll(async () => {
    await app.close();
    await fake.close();
  });

  it('is not asked by default: one call answers', async () => {
    fake.set({ mode: 'normal', reply: answerFromNumberedSources });
    const { trace } = await askIn(app, {}, 'What does the kettle of steel cost?');
    expect(trace.calls).toEqual([]);
    expect(trace.queries).toHaveLength(1);
    expect(fake.requests.filter(({ path }) => path.endsWith('/chat/completions'))).toHaveLength(1);
  });

  it('finds by other wordings what the question’s own words do not, at a cost that is told', async () => {
    const question = 'How long does reimbursement take?';
    const wordings = '1. When is money\u0000 returned?\n- "Days until money is returned"\n\n';
    // It answers from the passage, whatever the question's words are.
    const reply = (messages: readonly FakeMessage[]) =>
      taskOf(messages).startsWith('Write 3') ? wordings : 'Money is returned within five days [1].';
    fake.set({ mode: 'normal', reply });
    expect((await askIn(app, {}, question)).message.refusal.reason).toBe('no_match');
    const { message, trace } = await askIn(app, { expansion: 'multi_query' }, question);
    expect(message.refusal).toBeNull();
    expect(message.citations[0]).toMatchObject({ title: 'Returns' });
    expect(trace.queries.map(({ kind, text }: Reply['body']) => [kind, text])).toEqual([
      ['question', 'how long does reimbursement take'],
      ['wording', 'When is money returned?'],
      ['wording', 'Days until money is returned'],
    ]);
    expect(titles(trace.queries[1].keyword)[0]).toBe('Returns');
    expect(titles(trace.fusion.candidates)[0]).toBe('Returns');
    const [call] = trace.calls;
    expect(call).toMatchObject({ step: 'wordings', model: 'gpt-5-mini', failure: null });
    expect(call.inputTokens).toBeGreaterThan(20);
    expect(call.milliseconds).toBeGreaterThanOrEqual(0);
    expect(Number(call.cost)).toBeGreaterThan(0);
    const { answer, total } = trace.usage;
    expect(Number(total.cost)).toBeCloseTo(Number(answer.cost) + Number(call.cost), 9);
    expect(total.outputTokens).toBe(answer.outputTokens + call.outputTokens);
    expect(message.usage).toMatchObject(total);
  });

  it('counts what a call took where the answer is a refusal too', async () => {
    fake.set({ mode: 'normal', reply: replying('Write 3', 'Do llamas swim?') });
    const { message, trace } = await askIn(app, { expansion: 'multi_query' }, 'Which llamas bathe in lakes?');
    expect(message.refusal.reason).toBe('no_match');
    expect(trace.usage.answer).toMatchObject({ inputTokens: 0, outputTokens: 0 });
    expect(Number(trace.usage.total.cost)).toBe(Number(trace.calls[0].cost));
    expect(trace.usage.total).toMatchObject({ outputTokens: trace.calls[0].outputTokens });
    expect(message.usage).toMatchObject(trace.usage.total);
  });

  it('imagines an answer that is searched for by its meaning', async () => {
    const imagined = 'Money is returned within five days after the parcel came back.';
    fake.set({ mode: 'normal', reply: replying('Write the passage', imagined) });
    const { trace } = await askIn(app, { expansion: 'hyde' }, 'How long does reimbursement take?');
    expect(trace.queries[1]).toMatchObject({ kind: 'imagined_answer', text: imagined });
    expect(titles(trace.queries[1].semantic)[0]).toBe('Returns');
    expect(trace.queries[1].semantic[0].score).toBeGreaterThan(0.9);
    expect(titles(trace.fusion.candidates)[0]).toBe('Returns');
    expect(trace.calls).toMatchObject([{ step: 'imagined_answer', failure: null }]);
  });

  it('translates a question into the language of the sources, unless it need not or may not', async () => {
    const german = 'Wann wird mir das Geld für die Rücksendung wieder ausgezahlt?';
    const reply = (messages: readonly FakeMessage[]) =>
      taskOf(messages).startsWith('Translate a question into English')
        ? 'When is the money returned?'
        : 'Money is returned within five days [1].';
    fake.set({ mode: 'normal', reply });
    const { message, trace } = await askIn(app, {}, german);
    expect(trace.queries[1]).toMatchObject({ kind: 'translation', text: 'When is the money returned?' });
    expect(trace.calls).toMatchObject([{ step: 'translation', failure: null }]);
    expect(message.citations[0]).toMatchObject({ title: 'Returns' });
    const off = await askIn(app, { translate: 'off' }, german);
    expect(off.trace.calls).toEqual([]);
    expect(off.message.refusal.reason).toBe('no_match');
    const english = await askIn(app, {}, 'When will the office in the capital city open its doors?');
    expect(english.trace.calls).toEqual([]);
  });

  it('orders the candidates anew, and leaves the decision to their scores', async () => {
    const question = 'What does a kettle cost?';
    fake.set({ mode: 'normal', reply: answerFromNumberedSources });
    const plain = (await askIn(app, {}, question)).trace;
    fake.set({ reply: replying('Order passages', '[3], 2 and 99') });
    const { trace } = await askIn(app, { rerank: 'model' }, question);
    const before = titles(plain.fusion.candidates);
    expect(titles(trace.fusion.candidates)).toEqual(before);
    expect(trace.context.slice(0, 3).map(({ title }: Reply['body']) => title)).toEqual([
      before[2],
      before[1],
      before[0],
    ]);
    const byId = trace.fusion.candidates.map(({ chunkId }: Reply['body']) => chunkId);
    expect(trace.rerank).toEqual({
      by: 'model',
      before: byId,
      after: [byId[2], byId[1]].map((chunkId) => ({ chunkId, score: null })),
    });
    expect(trace.calls).toMatchObject([{ step: 'rerank', model: 'gpt-5-mini', failure: null }]);
    expect(trace.decision.relevance).toBe(plain.decision.relevance);
  });

  it.each([
    [{ expansion: 'multi_query' }, 'Write 3', 'wordings'],
    [{ expansion: 'hyde' }, 'Write the passage', 'imagined_answer'],
    [{ rerank: 'model' }, 'Order passages', 'rerank'],
  ] as const)('changes nothing when it fails: %j', async (settings, start, step) => {
    const question = 'What does a kettle cost?';
    fake.set({ mode: 'normal', reply: answerFromNumberedSources });
    const plain = (await askIn(app, {}, question)).trace;
    fake.set({ mode: failing(start, 'unauthorized') });
    const failed = await askIn(app, settings, question);
    expect(failed.trace.calls).toMatchObject([{ step, failure: 'rejected', inputTokens: 0 }]);
    fake.set({ mode: 'normal', reply: replying(start, ' \n ') });
    const empty = await askIn(app, settings, question);
    expect(empty.trace.calls).toMatchObject([{ step, failure: 'unusable' }]);
    for (const { message, trace } of [failed, empty]) {
      expect(message).toMatchObject({ status: 'complete', refusal: null, notices: [] });
      expect(titles(trace.fusion.candidates)).toEqual(titles(plain.fusion.candidates));
      expect(titles(trace.context)).toEqual(titles(plain.context));
      expect(trace.decision).toEqual(plain.decision);
      expect(trace.queries).toHaveLength(1);
    }
  });

  it('is asked again after a failure, and what went well is kept', async () => {
    const { token } = await app.register();
    const projectId = await app.createProject(token, { retrievalOptions: { expansion: 'multi_query' } });
    await app.addSource(token, projectId, { type: 'text', name: 'Kettle', text: SOURCES.Kettle });
    const question = 'What does the red kettle cost?';
    fake.set({ mode: failing('Write 3', 'server_error'), reply: replying('Write 3', 'price of the kettle') });
    const failed = await askAgain(app, token, projectId, question);
    expect(failed.trace.calls).toMatchObject([{ step: 'wordings', failure: 'unavailable' }]);
    fake.set({ mode: 'normal' });
    const found = await askAgain(app, token, projectId, question);
    expect(found.trace).toMatchObject({ search: { cache: 'miss' }, calls: [{ failure: null }] });
    const kept = await askAgain(app, token, projectId, question);
    expect(kept.trace).toMatchObject({ search: { cache: 'hit' }, calls: [] });
    expect(kept.trace.queries).toEqual(found.trace.queries);
  });

  it('orders by reciprocal ranks where the project wants that, by scores else', async () => {
    fake.set({ mode: 'normal', reply: answerFromNumberedSources });
    const question = 'Which kettle holds one litre and is for camping on Fridays?';
    const { trace: convex } = await askIn(app, {}, question);
    const { trace } = await askIn(app, { fusion: 'rrf', semanticWeight: 0.6 }, question);
    const sums = new Map<string, number>();
    for (const leg of [trace.queries[0].keyword, trace.queries[0].semantic]) {
      for (const { title, rank } of leg) sums.set(title, (sums.get(title) ?? 0) + 1 / (60 + rank));
    }
    const expected = [...sums].toSorted((a, b) => b[1] - a[1]).map(([, sum]) => sum);
    const got = titles(trace.fusion.candidates).map((title) => sums.get(title));
    expect(got).toEqual(expected);
    expect(trace.fusion.method).toBe('rrf');
    expect(titles(trace.fusion.candidates).toSorted()).toEqual(titles(convex.fusion.candidates).toSorted());
    const scores = (candidates: { score: number }[]) => candidates.map(({ score }) => score);
    expect(scores(trace.fusion.candidates)).toEqual(scores(convex.fusion.candidates));
    expect(trace.decision).toEqual(convex.decision);
  });
});

describe('a rerank endpoint', () => {
  let reranker: FakeReranker;
  let app: TestApp;
  const QUESTION = 'What does a kettle cost?';

  beforeAll(async () => {
    reranker = await startFakeReranker();
    app = await createTestApp({
      environment: {
        RERANK_BASE_URL: reranker.baseUrl,
        RERANK_API_KEY: 'rerank-key',
        RERANK_MODEL: 'any-model',
      },
    });
  });
  afterAll(async () => {
    await app.close();
    await reranker.close();
  });

  it('puts the passages into its order, and is seen in the trace', async () => {
    reranker.set({ score: (document) => (document.includes('camping') ? 0.9 : 0.1) });
    const plain = (await askIn(app, {}, QUESTION)).trace;
    expect(reranker.requests).toHaveLength(0);
    expect(titles(plain.fusion.candidates)[0]).not.toBe('Small kettle');
    const { trace, message } = await askIn(app, { rerank: 'endpoint' }, QUESTION);
    expect(titles(trace.context)[0]).toBe('Small kettle');
    expect(message.content).toContain('twenty euros');
    expect(trace.rerank.by).toBe('endpoint');
    expect(trace.rerank.before).toHaveLength(3);
    expect(trace.rerank.after.map(({ score }: Reply['body']) => score)).toEqual([0.9, 0.1, 0.1]);
    expect(trace.rerank.after[0].chunkId).toBe(message.citations[0].chunkId);
    expect(trace.calls).toMatchObject([
      { step: 'rerank', model: 'any-model', inputTokens: 42, cost: '0', failure: null },
    ]);
    expect(trace.decision).toEqual(plain.decision);
    const [request] = reranker.requests;
    expect(request).toMatchObject({ authorization: 'Bearer rerank-key', model: 'any-model', top_n: 3 });
    expect(request?.query).toBe('what does a kettle cost');
    expect(request?.documents).toContain(`Small kettle\n${SOURCES['Small kettle']}`);
  });

  it('leaves the order as it was when it fails, is slow or talks nonsense', async () => {
    const plain = (await askIn(app, {}, QUESTION)).trace;
    const faults = [
      [{ status: 401 }, 'rejected'],
      [{ status: 200, body: { results: [{ index: 99, relevance_score: 1 }] } }, 'bad_reply'],
      [{ body: '<!doctype html>' }, 'bad_reply'],
      [{ body: undefined, isHanging: true }, 'timeout'],
    ] as const;
    for (const [fault, failure] of faults) {
      reranker.set(fault);
      const { trace, message } = await askIn(app, { rerank: 'endpoint' }, QUESTION);
      expect(trace.calls).toMatchObject([{ step: 'rerank', failure }]);
      expect(trace.rerank.after).toEqual([]);
      expect(titles(trace.context)).toEqual(titles(plain.context));
      expect(message).toMatchObject({ status: 'complete', refusal: null });
    }
    expect(app.logLines.join('\n')).not.toContain('kettle cost');
    expect(app.logLines.join('\n')).not.toContain('rerank-key');
  });
});

describe('settings that need what is not there', () => {
  it('are told as skipped, and the search goes on without', async () => {
    const app = await createTestApp();
    const question = 'What does the kettle of steel cost?';
    const wordings = await askIn(app, { expansion: 'multi_query', rerank: 'endpoint' }, question);
    expect(wordings.trace.search.skipped).toEqual([
      { step: 'wordings', reason: 'no_model' },
      { step: 'rerank', reason: 'no_endpoint' },
    ]);
    const imagined = await askIn(app, { expansion: 'hyde', rerank: 'model' }, question);
    expect(imagined.trace.search.skipped).toEqual([
      { step: 'imagined_answer', reason: 'no_embedding_model' },
      { step: 'rerank', reason: 'no_model' },
    ]);
    for (const { message, trace } of [wordings, imagined]) {
      expect(message.content).toContain('ninety euros');
      expect(trace.calls).toEqual([]);
    }
    await app.close();
  });
});
