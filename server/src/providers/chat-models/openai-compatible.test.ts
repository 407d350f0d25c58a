import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { ModelError } from '#kernel/model-error.js';
import type { ChatModelEvent, ChatModelRequest } from '#platform/ports/chat-model.js';
import type { FakeOpenAIMode } from '#test/fakes/fake-openai-options.js';
import { startFakeOpenAI, type FakeOpenAI } from '#test/fakes/fake-openai.js';
import { createTokenGate } from '#test/fakes/token-gate.js';
import type { EndpointEvent } from '#providers/resilience/endpoint-policy.js';

import { createOpenAICompatibleChatModel } from './openai-compatible.js';

const API_KEY = 'sk-canary-key';
const PROMPT = 'canary prompt: how long does a refund take?';
const MESSAGES: ChatModelRequest['messages'] = [
  { role: 'system', content: 'Answer from the sources.' },
  { role: 'user', content: PROMPT },
];
const ANSWER = 'A refund takes five days. [1]';

const NO_USAGE = { inputTokens: null, outputTokens: null };

let fake: FakeOpenAI;

beforeEach(async () => {
  fake = await startFakeOpenAI({ reply: () => ANSWER });
});

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await fake.close();
});

describe('an answer', () => {
  it('comes in deltas, then one finish with the tokens that the endpoint counted', async () => {
    const events = await collect(fake.baseUrl);
    expect(events).toEqual([
      { type: 'delta', text: 'A' },
      { type: 'delta', text: ' refund' },
      { type: 'delta', text: ' takes' },
      { type: 'delta', text: ' five' },
      { type: 'delta', text: ' days.' },
      { type: 'delta', text: ' [1]' },
      { type: 'finish', reason: 'stop', usage: { inputTokens: 12, outputTokens: 6 } },
    ]);
  });

  it('is asked for with the key, the limits, the messages and the usage', async () => {
    await collect(fake.baseUrl);
    expect(fake.requests).toHaveLength(1);
    expect(fake.requests[0]?.headers.authorization).toBe(`Bearer ${API_KEY}`);
    expect(fake.requests[0]?.body).toEqual({
      model: 'fake-mini',
      max_tokens: 300,
      temperature: 0.2,
      messages: MESSAGES,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('is asked for without a key where there is none', async () => {
    await collect(fake.baseUrl, { apiKey: null });
    expect(fake.requests[0]?.headers.authorization).toBeUndefined();
  });

  it.each(['gpt-5-mini', 'o4-mini', 'openai/gpt-5'])(
    'is asked of %s as reasoning models want it',
    async (model) => {
      await collect(fake.baseUrl, {}, { model });
      expect(fake.requests[0]?.body).toMatchObject({ max_completion_tokens: 300 });
      expect(fake.requests[0]?.body).not.toHaveProperty('max_tokens');
      expect(fake.requests[0]?.body).not.toHaveProperty('temperature');
    },
  );

  it.each([
    ['length', 'length'],
    ['content_filter', 'content_filter'],
    ['tool_calls', 'other'],
  ])('that ends with %s finishes as %s', async (finishReason, reason) => {
    fake.set({ finishReason });
    expect((await collect(fake.baseUrl)).at(-1)).toMatchObject({ type: 'finish', reason });
  });

  it('is whole when characters are cut in two on the wire', async () => {
    fake.set({ mode: 'split_bytes', reply: () => 'Größe 🌍 ราคา 価格' });
    expect(joinText(await collect(fake.baseUrl))).toBe('Größe 🌍 ราคา 価格');
  });

  it('is whole when empty deltas come between its tokens', async () => {
    fake.set({ mode: 'null_deltas' });
    expect(joinText(await collect(fake.baseUrl))).toBe(ANSWER);
  });

  it.each<[FakeOpenAIMode, string]>([
    ['noise', ANSWER],
    ['done_without_finish', ANSWER],
    ['nul_characters', ANSWER],
    ['wild_usage', ANSWER],
    ['broken_utf8', `\uFFFD${ANSWER}`],
  ])('is whole in a stream of %s', async (mode, text) => {
    fake.set({ mode });
    const events = await collect(fake.baseUrl);
    expect(joinText(events)).toBe(text);
    const usage = mode === 'noise' ? { inputTokens: 3, outputTokens: 2 } : NO_USAGE;
    const reason = mode === 'done_without_finish' ? 'other' : 'stop';
    expect(events.at(-1)).toEqual({ type: 'finish', reason, usage });
  });

  it('that the model itself refuses is blocked', async () => {
    fake.set({ mode: 'refusal' });
    expect(await collect(fake.baseUrl)).toEqual([
      { type: 'finish', reason: 'content_filter', usage: NO_USAGE },
    ]);
  });

  it('leaves its connection to the next one', async () => {
    const ports = new Set<number | undefined>();
    fake.set({
      mode: (request) => {
        ports.add(request.port);
        return 'normal';
      },
    });
    for (let answers = 0; answers < 6; answers += 1) await collect(fake.baseUrl);
    expect(ports.size).toBeLessThan(6);
    expect(fake.abortedRequests).toBe(0);
  });

  it('hands each token over as it comes', async () => {
    const tokenGate = createTokenGate();
    fake.set({ tokenGate });
    const events = stream(fake.baseUrl)[Symbol.asyncIterator]();
    tokenGate.release();
    expect(await events.next()).toEqual({ done: false, value: { type: 'delta', text: 'A' } });
    tokenGate.release();
    expect(await events.next()).toEqual({ done: false, value: { type: 'delta', text: ' refund' } });
    await events.return?.();
  });

  it('may be read slowly: the limits are for the model, not for the reader', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const limits = { firstTokenTimeoutMs: 100, betweenTokensTimeoutMs: 100, totalTimeoutMs: 1_000_000 };
    const events = stream(fake.baseUrl, limits)[Symbol.asyncIterator]();
    for (const text of ['A', ' refund', ' takes']) {
      expect(await events.next()).toMatchObject({ value: { type: 'delta', text } });
      vi.advanceTimersByTime(10_000);
    }
    await events.return?.();
  });
});

describe('an endpoint that fails', () => {
  it.each<[FakeOpenAIMode, ModelError['kind'], number | null, string]>([
    ['rate_limited', 'rate_limited', 7, 'the model endpoint limits our requests (429, rate_limit_exceeded)'],
    ['server_error', 'unavailable', null, 'the model endpoint failed (500, server_error)'],
    ['unauthorized', 'rejected', null, 'the model endpoint refused the request (401, invalid_api_key)'],
    ['reset', 'unavailable', null, 'the model endpoint cannot be reached (UND_ERR_SOCKET)'],
    ['html', 'bad_reply', null, 'the model endpoint answered with a page instead of a stream'],
  ])('%s is a %s', async (mode, kind, retryAfterSeconds, message) => {
    fake.set({ mode });
    const { events, error } = await collectUntilError(fake.baseUrl);
    expect(events).toEqual([]);
    expect(error).toMatchObject({ name: 'ModelError', kind, retryAfterSeconds, message });
  });

  it.each<[FakeOpenAIMode, ModelError['kind'], string]>([
    ['bad_json', 'bad_reply', 'an event of the model endpoint cannot be read'],
    ['error_event', 'unavailable', 'the model endpoint failed (503, server_error)'],
    ['not_an_object', 'bad_reply', 'an event of the model endpoint cannot be read'],
    ['wrong_types', 'bad_reply', 'an event of the model endpoint cannot be read'],
  ])('in mid-stream by %s is a %s after the tokens that came', async (mode, kind, message) => {
    fake.set({ mode });
    const { events, error } = await collectUntilError(fake.baseUrl);
    expect(joinText(events)).toBe('A refund');
    expect(error).toMatchObject({ name: 'ModelError', kind, message });
    expect(fake.requests).toHaveLength(1);
  });

  it.each<FakeOpenAIMode>(['cut', 'closed'])(
    'with a broken connection in mid-stream is cut: %s',
    async (mode) => {
      const tokenGate = createTokenGate();
      fake.set({ mode, tokenGate });
      const events = stream(fake.baseUrl)[Symbol.asyncIterator]();
      tokenGate.release();
      expect(await events.next()).toMatchObject({ value: { text: 'A' } });
      tokenGate.release();
      await expect(drain(events)).rejects.toMatchObject({ name: 'ModelError', kind: 'cut' });
      expect(fake.requests).toHaveLength(1);
    },
  );

  it.each<[FakeOpenAIMode, ModelError['kind'], number]>([
    ['rate_limited', 'rate_limited', 3],
    ['server_error', 'unavailable', 3],
    ['reset', 'unavailable', 3],
    ['error_first', 'unavailable', 3],
    ['empty_stream', 'cut', 3],
    ['only_done', 'cut', 3],
    ['unauthorized', 'rejected', 1],
    ['html', 'bad_reply', 1],
    ['huge_line', 'bad_reply', 1],
    ['endless', 'bad_reply', 1],
  ])('before its first token by %s is a %s after %d tries', async (mode, kind, tries) => {
    fake.set({ mode });
    const { events, error } = await collectUntilError(fake.baseUrl);
    expect(events).toEqual([]);
    expect(error).toMatchObject({ name: 'ModelError', kind });
    expect(fake.requests).toHaveLength(tries);
  });

  it('is asked again until it answers', async () => {
    fake.set({ mode: (_request, call) => (call < 3 ? 'server_error' : 'normal') });
    expect(joinText(await collect(fake.baseUrl))).toBe(ANSWER);
    expect(fake.requests).toHaveLength(3);
  });

  it.each<FakeOpenAIMode>(['huge_line', 'endless'])('by sending without end is left: %s', async (mode) => {
    fake.set({ mode });
    await collectUntilError(fake.baseUrl);
    await fake.whenAborted(1);
  });

  it('with an end but no finish is cut after all its tokens', async () => {
    fake.set({ mode: 'no_finish' });
    const { events, error } = await collectUntilError(fake.baseUrl);
    expect(joinText(events)).toBe(ANSWER);
    expect(error).toMatchObject({ name: 'ModelError', kind: 'cut' });
  });

  it('by refusing connections is unavailable', async () => {
    await fake.close();
    const { error } = await collectUntilError(fake.baseUrl);
    expect(error).toMatchObject({
      kind: 'unavailable',
      message: 'the model endpoint cannot be reached (ECONNREFUSED)',
    });
  });

  it.each<FakeOpenAIMode>(['rate_limited', 'server_error', 'unauthorized', 'bad_json', 'error_event', 'cut'])(
    'by %s leaks no prompt, key or answer, and prints nothing',
    async (mode) => {
      const consoleError = vi.spyOn(console, 'error').mockImplementation(() => {});
      const consoleWarn = vi.spyOn(console, 'warn').mockImplementation(() => {});
      fake.set({ mode });
      const { error } = await collectUntilError(fake.baseUrl);
      const told = JSON.stringify(describeDeeply(error));
      expect(told).not.toMatch(/canary|refund|secret|broken/);
      expect(consoleError).not.toHaveBeenCalled();
      expect(consoleWarn).not.toHaveBeenCalled();
    },
  );
});

describe('an endpoint that hangs', () => {
  it.each<[FakeOpenAIMode, object, string]>([
    ['hang', { firstTokenTimeoutMs: 30 }, 'no first token within 30 ms'],
    ['hang_before_first_token', { firstTokenTimeoutMs: 30 }, 'no first token within 30 ms'],
    ['hang_between_tokens', { betweenTokensTimeoutMs: 30 }, 'no further token within 30 ms'],
    ['hang_between_tokens', { totalTimeoutMs: 300 }, 'no complete answer within 300 ms'],
  ])('%s with %j is a timeout, and the call is given up', async (mode, limits, told) => {
    fake.set({ mode });
    const { error } = await collectUntilError(fake.baseUrl, limits);
    expect(error).toMatchObject({ kind: 'timeout', message: `the model endpoint gave ${told}` });
    await fake.whenAborted(1);
  });
});

describe('a caller that leaves', () => {
  it('by its signal gets the reason of the signal, and the endpoint is left', async () => {
    fake.set({ mode: 'hang_between_tokens' });
    const controller = new AbortController();
    const events = stream(fake.baseUrl, {}, {}, controller.signal)[Symbol.asyncIterator]();
    await events.next();
    await events.next();
    const next = events.next();
    controller.abort();
    await expect(next).rejects.toBe(controller.signal.reason);
    expect(controller.signal.reason).toMatchObject({ name: 'AbortError' });
    await fake.whenAborted(1);
    expect(fake.abortedRequests).toBe(1);
  });

  it('by its signal before the first byte leaves the endpoint too', async () => {
    fake.set({ mode: 'hang' });
    const controller = new AbortController();
    const next = stream(fake.baseUrl, {}, {}, controller.signal)[Symbol.asyncIterator]().next();
    await fake.whenRequested(1);
    controller.abort(new Error('stopped by the visitor'));
    await expect(next).rejects.toThrow('stopped by the visitor');
    await fake.whenAborted(1);
  });

  it('while the next try is waited for leaves at once, and the endpoint is not blamed', async () => {
    fake.set({ mode: 'rate_limited', retryAfter: '9' });
    const controller = new AbortController();
    const events: EndpointEvent[] = [];
    const model = createModel(fake.baseUrl, { resilience: { onEvent: (event) => events.push(event) } });
    const next = model.stream(REQUEST, controller.signal)[Symbol.asyncIterator]().next();
    await fake.whenRequested(1);
    await vi.waitFor(() => expect(events.at(-1)?.type).toBe('retry'));
    controller.abort(new Error('stopped by the visitor'));
    await expect(next).rejects.toThrow('stopped by the visitor');
    expect(fake.requests).toHaveLength(1);
  });

  it('opens no circuit, however many do', async () => {
    fake.set({ mode: 'hang' });
    const model = createModel(fake.baseUrl);
    for (let visitors = 1; visitors <= 6; visitors += 1) {
      const controller = new AbortController();
      const next = model.stream(REQUEST, controller.signal)[Symbol.asyncIterator]().next();
      await fake.whenRequested(visitors);
      controller.abort();
      await expect(next).rejects.toBe(controller.signal.reason);
    }
    expect(model.endpoint?.circuit()).toBe('closed');
  });

  it('before it begins asks nothing', async () => {
    const signal = AbortSignal.abort();
    await expect(collect(fake.baseUrl, {}, {}, signal)).rejects.toBe(signal.reason);
    expect(fake.requests).toEqual([]);
  });

  it('by reading no further leaves the endpoint', async () => {
    fake.set({ mode: 'hang_between_tokens' });
    for await (const event of stream(fake.baseUrl)) {
      expect(event).toEqual({ type: 'delta', text: 'A' });
      break;
    }
    await fake.whenAborted(1);
  });
});

const REQUEST: ChatModelRequest = {
  model: 'fake-mini',
  messages: MESSAGES,
  question: PROMPT,
  passages: [],
  language: 'en',
  temperature: 0.2,
  maxOutputTokens: 300,
};

function createModel(
  baseUrl: string,
  options: Partial<Parameters<typeof createOpenAICompatibleChatModel>[0]> = {},
) {
  return createOpenAICompatibleChatModel({
    baseUrl,
    apiKey: API_KEY,
    defaultModels: { mini: 'fake-mini', premium: 'fake-premium' },
    firstTokenTimeoutMs: 20_000,
    betweenTokensTimeoutMs: 20_000,
    totalTimeoutMs: 20_000,
    resilience: { pause: async () => {} },
    ...options,
  });
}

function stream(
  baseUrl: string,
  options: Parameters<typeof createModel>[1] = {},
  request: Partial<ChatModelRequest> = {},
  signal = new AbortController().signal,
): AsyncIterable<ChatModelEvent> {
  return createModel(baseUrl, options).stream({ ...REQUEST, ...request }, signal);
}

async function collect(...input: Parameters<typeof stream>): Promise<ChatModelEvent[]> {
  const events: ChatModelEvent[] = [];
  for await (const event of stream(...input)) events.push(event);
  return events;
}

async function collectUntilError(
  ...input: Parameters<typeof stream>
): Promise<{ events: ChatModelEvent[]; error: unknown }> {
  const events: ChatModelEvent[] = [];
  try {
    for await (const event of stream(...input)) events.push(event);
  } catch (error) {
    return { events, error };
  }
  throw new Error('the stream ended without an error');
}

async function drain(events: AsyncIterator<ChatModelEvent>): Promise<void> {
  while ((await events.next()).done !== true);
}

function joinText(events: ChatModelEvent[]): string {
  return events.map((event) => (event.type === 'delta' ? event.text : '')).join('');
}

/** All that a logger could write of an error: its own fields and those of its causes. */
function describeDeeply(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const fields = Object.entries(error);
  return [fields, error.message, error.stack, describeDeeply(error.cause)];
}
