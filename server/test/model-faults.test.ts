import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { messages } from '#db/schema/conversations.js';
import { createChatModel } from '#providers/chat-models/registry.js';
import { createEmbedder } from '#providers/embedders/registry.js';
import type { EndpointEvent, EndpointPolicyOptions } from '#providers/resilience/endpoint-policy.js';
import { type TestApp, createTestApp } from './create-test-app.js';
import { eventually } from './eventually.js';
import type { FakeOpenAIMode, RecordedRequest } from './fakes/fake-openai-options.js';
import { type FakeOpenAI, startFakeOpenAI } from './fakes/fake-openai.js';
import { type InstantWaits, createInstantWaits } from './fakes/instant-waits.js';

const HANDBOOK = `# Deliveries

Orders placed before 11:00 leave the roastery the same day. A parcel within the country costs €4.90.

# Warranty

The hand grinder H2 has a warranty of two years. The electric grinder E5 has a warranty of five years.`;
const QUESTION = 'How long is the warranty of the hand grinder H2?';
const REPLY = 'The hand grinder H2 has a warranty of two years [1]. And that is all.';
const QUOTED = 'The hand grinder H2 has a warranty of two years. [1]';
const DIMENSIONS = 64;

let app: TestApp;
let fake: FakeOpenAI;
let token: string;
let projectId: string;
/** Of both endpoints. */
let waits: InstantWaits;

const isChat = (request: RecordedRequest) => request.path.endsWith('/chat/completions');
const chatRequests = () => fake.requests.filter(isChat).length;
/** Chat fails in this way, embeddings do not. */
const chatFails = (mode: FakeOpenAIMode) =>
  fake.set({ mode: (request) => (isChat(request) ? mode : 'normal'), reply: () => REPLY, retryAfter: '0' });
const ask = async (project = projectId, question = QUESTION) => {
  const path = `/v1/projects/${project}/chat`;
  const { status, body } = await app.request('POST', path, { token, body: { message: question } });
  expect(status).toBe(200);
  return body.message;
};

function createTestModel(
  resilience: Omit<EndpointPolicyOptions, 'name'>,
  timeoutMs = 20_000,
): ReturnType<typeof createChatModel> {
  return createChatModel({
    provider: 'openai-compatible',
    baseUrl: fake.baseUrl,
    apiKey: 'test-key',
    defaultModels: { mini: 'gpt-4o-mini', premium: 'gpt-4o' },
    firstTokenTimeoutMs: timeoutMs,
    betweenTokensTimeoutMs: timeoutMs,
    totalTimeoutMs: 20_000,
    resilience,
  });
}

/** Longer than any answer takes; where the endpoint says nothing, the test need not wait so long. */
const patienceWith = (mode: FakeOpenAIMode) => (mode.startsWith('hang') ? 500 : 20_000);

/** Endpoints as after a start: circuits closed, budgets full. */
function renewEndpoints(mode: FakeOpenAIMode = 'normal'): void {
  const timeoutMs = patienceWith(mode);
  waits = createInstantWaits();
  app.ctx.chatModel = createTestModel(waits, timeoutMs);
  app.ctx.embedder = createEmbedder({
    provider: 'openai-compatible',
    baseUrl: fake.baseUrl,
    apiKey: 'test-key',
    model: 'text-embedding-3-small',
    dimensions: DIMENSIONS,
    timeoutMs: { question: timeoutMs, passages: timeoutMs },
    tryTimeoutMs: timeoutMs,
    resilience: waits,
  });
}

let listening: string | null = null;
async function listen(): Promise<string> {
  listening ??= await app.server.listen({ port: 0, host: '127.0.0.1' });
  return listening;
}

beforeAll(async () => {
  fake = await startFakeOpenAI({ dimensions: DIMENSIONS });
  app = await createTestApp({
    environment: {
      OPENAI_BASE_URL: fake.baseUrl,
      OPENAI_API_KEY: 'test-key',
      OPENAI_EMBEDDING_DIMENSIONS: String(DIMENSIONS),
    },
  });
  ({ token } = await app.register());
  projectId = await app.createProject(token);
  await app.addSource(token, projectId, { type: 'text', name: 'Handbook', text: HANDBOOK });
});

afterAll(async () => {
  await app.close();
  await fake.close();
});

beforeEach(() => renewEndpoints());

describe('a chat endpoint that fails before its first word', () => {
  it.each<[FakeOpenAIMode, number, string]>([
    ['rate_limited', 3, 'takes no more requests at the moment'],
    ['server_error', 3, 'could not be reached'],
    ['reset', 3, 'could not be reached'],
    ['error_first', 3, 'could not be reached'],
    ['empty_stream', 3, 'gave no readable answer'],
    ['unauthorized', 1, 'refused the request'],
    ['html', 1, 'gave no readable answer'],
    ['huge_line', 1, 'gave no readable answer'],
    ['hang', 1, 'did not answer in time'],
    ['hang_before_first_token', 1, 'did not answer in time'],
  ])('by %s is asked %d times, then the sources are quoted, at no cost', async (mode, calls, cause) => {
    renewEndpoints(mode);
    chatFails(mode);
    const before = chatRequests();
    const message = await ask();
    expect(message).toMatchObject({
      status: 'complete',
      content: QUOTED,
      refusal: null,
      confidence: 'high',
      model: 'builtin',
      notices: [
        {
          code: 'model_unavailable',
          message: `The chat model ${cause}: the answer quotes the sources instead.`,
        },
      ],
      usage: { inputTokens: 0, outputTokens: 0, cost: '0.000000000', charged: false },
    });
    expect(message.citations).toMatchObject([{ index: 1, quote: QUOTED.slice(0, -' [1]'.length) }]);
    expect(chatRequests() - before).toBe(calls);
  });

  it('gives the refusal `unavailable` where the project wants that', async () => {
    const strict = await app.createProject(token, { modelFallback: 'refusal' });
    await app.addSource(token, strict, { type: 'text', name: 'Handbook', text: HANDBOOK });
    chatFails('server_error');
    expect(await ask(strict)).toMatchObject({
      status: 'complete',
      citations: [],
      refusal: { reason: 'unavailable' },
      usage: { inputTokens: 0, outputTokens: 0, cost: '0.000000000', charged: false },
    });
  });

  it('gives the refusal `unavailable` where the sources hold nothing to quote', async () => {
    const bare = await app.createProject(token);
    const text = '# How long is the warranty of the hand grinder H2?';
    await app.addSource(token, bare, { type: 'text', name: 'Questions', text });
    chatFails('server_error');
    expect(await ask(bare)).toMatchObject({ refusal: { reason: 'unavailable' }, notices: [] });
  });

  it('streams what it quotes', async () => {
    chatFails('server_error');
    const path = `/v1/projects/${projectId}/chat`;
    const { body } = await app.request('POST', path, { token, body: { message: QUESTION, stream: true } });
    expect(body).toContain(`data: {"text":"${QUOTED}"}`);
    expect(body).toContain('"model_unavailable"');
  });

  it('and is dead is asked five times for 50 messages, all of which are answered', async () => {
    chatFails('server_error');
    const before = chatRequests();
    for (let asked = 0; asked < 50; asked += 1) expect((await ask()).content).toBe(QUOTED);
    expect(chatRequests() - before).toBe(5);
    expect(app.ctx.chatModel.endpoint?.circuit()).toBe('open');
  });

  it('answers again once it is back, after one probe', async () => {
    chatFails('server_error');
    while (app.ctx.chatModel.endpoint?.circuit() === 'closed') await ask();
    chatFails('normal');
    expect((await ask()).model).toBe('builtin');
    waits.advance(5_000);
    expect((await ask()).model).toBe('gpt-4o-mini');
    expect(app.ctx.chatModel.endpoint?.circuit()).toBe('closed');
  });
});

describe('a chat endpoint that fails in the middle of its answer', () => {
  it.each<FakeOpenAIMode>(['closed', 'no_finish', 'bad_json', 'wrong_types', 'hang_between_tokens'])(
    'by %s is not asked again, and what came is kept and marked',
    async (mode) => {
      renewEndpoints(mode);
      chatFails(mode);
      const before = chatRequests();
      const message = await ask();
      expect(message).toMatchObject({ status: 'incomplete', refusal: null, model: 'gpt-4o-mini' });
      expect(message.content).toBe(mode === 'no_finish' ? REPLY : 'The hand');
      expect(chatRequests() - before).toBe(1);
    },
  );
});

describe('a client that leaves', () => {
  it.each<[FakeOpenAIMode, boolean]>([
    ['hang', true],
    ['hang_between_tokens', true],
    // Answered at once with 429: the next try is being waited for.
    ['rate_limited', false],
  ])('while the endpoint does %s leaves it at once, and is no failure of it', async (mode, isInCall) => {
    const address = await listen();
    const events: EndpointEvent[] = [];
    app.ctx.chatModel = createTestModel({ onEvent: (event) => events.push(event) });
    chatFails(mode);
    fake.set({ retryAfter: '9' });
    const abortsBefore = fake.abortedRequests;
    const requestsBefore = chatRequests();
    const controller = new AbortController();
    const answer = fetch(`${address}/v1/projects/${projectId}/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ message: QUESTION }),
      signal: controller.signal,
    });
    await eventually('the model is asked', () => (chatRequests() > requestsBefore ? true : null));
    const isRetrying = () => (events.at(-1)?.type === 'retry' ? true : null);
    if (!isInCall) await eventually('the next try is waited for', isRetrying);
    controller.abort();
    await expect(answer).rejects.toThrow('aborted');
    if (isInCall) await fake.whenAborted(abortsBefore + 1);
    await eventually('the answer is closed', async () => {
      const running = await app.ctx.db.$count(messages, eq(messages.status, 'streaming'));
      return running === 0 ? true : null;
    });
    expect(chatRequests()).toBe(requestsBefore + 1);
    expect(events.filter(({ type }) => type === 'circuit_changed')).toEqual([]);
  });
});

describe('a chat endpoint that sends the right words in odd ways', () => {
  it.each<FakeOpenAIMode>([
    'noise',
    'null_deltas',
    'split_bytes',
    'nul_characters',
    'wild_usage',
    'done_without_finish',
  ])('by %s is understood', async (mode) => {
    chatFails(mode);
    expect(await ask()).toMatchObject({ status: 'complete', content: REPLY, model: 'gpt-4o-mini' });
  });

  it('by broken characters is shown with their replacement', async () => {
    chatFails('broken_utf8');
    expect(await ask()).toMatchObject({ status: 'complete', content: `\uFFFD${REPLY}` });
  });
});

describe('an embedding endpoint that fails while a question is asked', () => {
  it.each<FakeOpenAIMode>(['server_error', 'rate_limited', 'hang', 'wrong_dimension', 'nan', 'too_few'])(
    'by %s leaves the search to the words',
    async (mode) => {
      renewEndpoints(mode);
      fake.set({ mode: (request) => (isChat(request) ? 'normal' : mode), reply: () => REPLY });
      // A question of its own: one that was asked before has its passages still.
      expect(await ask(projectId, `${QUESTION} (${mode})`)).toMatchObject({
        content: REPLY,
        model: 'gpt-4o-mini',
        notices: [{ code: 'lexical_only' }],
      });
    },
  );

  it('together with the chat endpoint leaves an answer all the same', async () => {
    fake.set({ mode: 'reset' });
    expect(await ask(projectId, `${QUESTION} (at all)`)).toMatchObject({
      content: QUOTED,
      notices: [{ code: 'lexical_only' }, { code: 'model_unavailable' }],
    });
  });
});
