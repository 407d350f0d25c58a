import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Reply, type TestApp, createTestApp } from '#test/create-test-app.js';
import { type FakeMessage } from '#test/fakes/fake-answer.js';
import { startFakeOpenAI } from '#test/fakes/fake-openai.js';

const HANDBOOK = `# Deliveries

A parcel within the country costs €4.90. Orders placed before eleven leave the roastery the same day.

# Warranty

The hand grinder H2 has a warranty of two years.`;

describe('the trace of a message', () => {
  let app: TestApp;
  let token: string;
  let projectId: string;
  let documentId: string;
  const ask = async (message: string): Promise<Reply['body']> =>
    (await app.request('POST', `/v1/projects/${projectId}/chat`, { token, body: { message } })).body;
  const traceOf = (messageId: string, as: string | undefined = token) =>
    app.request('GET', `/v1/projects/${projectId}/messages/${messageId}/trace`, { token: as });

  beforeAll(async () => {
    app = await createTestApp();
    ({ token } = await app.register());
    projectId = await app.createProject(token, { topK: 5, minScore: 0.3 });
    const source = await app.addSource(token, projectId, { type: 'text', name: 'Handbook', text: HANDBOOK });
    const path = `/v1/projects/${projectId}/documents?sourceId=${source.id}`;
    documentId = (await app.request('GET', path, { token })).body.data[0].id;
  });
  afterAll(() => app.close());

  it('tells how an answer came about', async () => {
    const { message } = await ask('What does a parcel within the country cost?');
    const { status, body } = await traceOf(message.id);
    expect(status).toBe(200);
    const [citation] = message.citations;
    expect(body).toMatchObject({
      messageId: message.id,
      createdAt: expect.any(String),
      rewrite: null,
      search: {
        query: 'what does a parcel within the country cost',
        mode: 'hybrid',
        options: { fusion: 'convex', semanticWeight: 0.6, expansion: 'off', rerank: 'off' },
        cache: 'miss',
        degraded: false,
        skipped: [],
      },
      rerank: null,
      decision: { leastScore: 0.4, confidentScore: 0.6, minScore: 0.3, outcome: 'high' },
      model: message.model,
      calls: [],
      usage: { total: { inputTokens: 0, outputTokens: 0, cost: '0' }, currency: 'USD' },
    });
    const [query] = body.queries;
    expect(body.queries).toHaveLength(1);
    expect(query).toMatchObject({ kind: 'question', semantic: null });
    const candidate = { rank: 1, chunkId: citation.chunkId, documentId, title: 'Handbook' };
    expect(query.keyword[0]).toMatchObject(candidate);
    expect(body.fusion).toMatchObject({ method: 'convex', candidates: [{ ...candidate, semantic: null }] });
    expect(body.fusion.candidates[0].score).toBe(query.keyword[0].score);
    expect(body.decision.relevance).toBe(body.fusion.candidates[0].score);
    expect(body.context[0]).toMatchObject({ number: 1, chunkId: citation.chunkId, documentId });
    expect(body.context[0].start).toBeLessThanOrEqual(citation.start);
    expect(body.context[0].end).toBeGreaterThanOrEqual(citation.end);
    expect(body.promptHash).toMatch(/^[0-9a-f]{64}$/);
    const steps = body.timings.map(({ step }: { step: string }) => step);
    for (const step of ['retrieve', 'retrieve.search', 'retrieve.load', 'first_token', 'answer']) {
      expect(steps).toContain(step);
    }
  });

  it('tells what was found when nothing was good enough, and that no model was asked', async () => {
    const { message } = await ask('Which warranty do llamas in Antarctica have against penguins and frost?');
    expect(message.refusal.reason).toBe('no_match');
    const { body } = await traceOf(message.id);
    expect(body).toMatchObject({
      decision: { outcome: 'no_match' },
      context: [],
      promptHash: null,
      usage: { total: { cost: '0' } },
    });
    expect(body.decision.relevance).toBeLessThan(0.4);
    expect(body.decision.relevance).toBe(body.fusion.candidates[0].score);
  });

  it('tells of a search that was kept from before', async () => {
    await ask('How long is the warranty of the hand grinder H2?');
    const { message } = await ask('how long is the warranty of the hand grinder H2');
    const { body } = await traceOf(message.id);
    expect(body.search.cache).toBe('hit');
    expect(body.queries[0].keyword[0]).toMatchObject({ rank: 1, documentId });
    expect(body.timings.some(({ step }: { step: string }) => step === 'retrieve.search')).toBe(false);
  });

  it('is there for answers alone, for who may read conversations, and goes with them', async () => {
    const { message, conversationId } = await ask('What does a parcel within the country cost?');
    const path = `/v1/projects/${projectId}/conversations/${conversationId}`;
    const { body } = await app.request('GET', `${path}/messages`, { token });
    const question = body.data.find(({ role }: { role: string }) => role === 'user');
    expect((await traceOf(question.id)).status).toBe(404);
    expect((await traceOf('nonsense')).status).toBe(404);
    expect((await traceOf(message.id, undefined)).status).toBe(200);
    const anonymous = await app.request('GET', `/v1/projects/${projectId}/messages/${message.id}/trace`);
    expect(anonymous.status).toBe(401);
    const stranger = await app.register('Eve');
    expect((await traceOf(message.id, stranger.token)).status).toBe(404);
    await app.request('DELETE', path, { token });
    expect((await traceOf(message.id)).status).toBe(404);
  });
});

describe('with a chat model', () => {
  it('tells tokens, cost and a prompt that can be recognised, and passages that say the same once', async () => {
    const fake = await startFakeOpenAI();
    const app = await createTestApp({
      environment: { OPENAI_BASE_URL: fake.baseUrl, OPENAI_CHAT_MODEL_MINI: 'gpt-5-mini' },
    });
    const { token } = await app.register();
    const projectId = await app.createProject(token, { topK: 2 });
    const same = 'The hand grinder H2 has a warranty of two years.';
    for (const name of ['One', 'Two', 'Three']) {
      await app.addSource(token, projectId, { type: 'text', name, text: same });
    }
    const other = 'A warranty never covers burrs of a hand grinder that has been dropped on the floor.';
    await app.addSource(token, projectId, { type: 'text', name: 'Other', text: other });
    const message = 'How long is the warranty of the hand grinder H2?';
    const path = `/v1/projects/${projectId}/chat`;
    const answered = (await app.request('POST', path, { token, body: { message } })).body.message;
    const trace = `/v1/projects/${projectId}/messages/${answered.id}/trace`;
    const { body } = await app.request('GET', trace, { token });
    // Three of the same would have filled both places.
    expect(body.fusion.candidates).toHaveLength(4);
    expect(body.context.map(({ title }: { title: string }) => title)).toEqual([expect.any(String), 'Other']);
    expect(body.queries[0].semantic).toHaveLength(4);
    expect(body.usage.answer).toEqual(body.usage.total);
    expect(answered.usage).toMatchObject(body.usage.total);
    expect(body.usage.total.inputTokens).toBeGreaterThan(50);
    expect(Number(body.usage.total.cost)).toBeGreaterThan(0);
    const sent = fake.requests.at(-1)?.body['messages'] as FakeMessage[];
    expect(sent.filter(({ content }) => content.includes(same))).toHaveLength(1);
    const again = (await app.request('POST', path, { token, body: { message } })).body.message;
    const second = await app.request('GET', `/v1/projects/${projectId}/messages/${again.id}/trace`, {
      token,
    });
    expect(second.body.promptHash).toBe(body.promptHash);
    expect(second.body.promptHash).toMatch(/^[0-9a-f]{64}$/);
    await app.close();
    await fake.close();
  });
});
