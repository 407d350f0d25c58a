import { describe, expect, it } from 'vitest';

import type { ChatModelEvent, ChatModelRequest } from '#platform/ports/chat-model.js';
import { composeExtractiveAnswer } from '#rag/extractive-answer.js';

import { createChatModel } from './registry.js';

const question = 'How long does a refund take?';
const passages = [
  { number: 1, title: 'Handbook', heading: 'Refunds', text: 'A refund takes five working days.', score: 0.9 },
  { number: 2, title: 'Handbook', heading: 'Hours', text: 'The shop opens at eight.', score: 0.2 },
];
const request: ChatModelRequest = {
  model: 'builtin',
  messages: [{ role: 'user', content: question }],
  question,
  passages,
  language: 'en',
  temperature: 0,
  maxOutputTokens: 300,
};

describe('the built-in chat model', () => {
  it('costs nothing and serves both tiers', () => {
    const model = createChatModel({ provider: 'builtin' });
    expect(model.isBuiltin).toBe(true);
    expect(model.defaultModels).toEqual({ mini: 'builtin', premium: 'builtin' });
  });

  it('gives the extractive answer word by word, then one finish without usage', async () => {
    const events = await collect(request, new AbortController().signal);
    const deltas = events.slice(0, -1).map((event) => (event.type === 'delta' ? event.text : '?'));
    const answer = composeExtractiveAnswer(question, passages, 'en');
    expect(answer).toContain('five working days');
    expect(deltas.join('')).toBe(answer);
    expect(deltas).toEqual(answer.split(/(?=\s)/));
    expect(events.at(-1)).toEqual({
      type: 'finish',
      reason: 'stop',
      usage: { inputTokens: null, outputTokens: null },
    });
  });

  it('stops where the caller leaves', async () => {
    const controller = new AbortController();
    const stream = createChatModel({ provider: 'builtin' }).stream(request, controller.signal);
    const events = stream[Symbol.asyncIterator]();
    expect((await events.next()).done).toBe(false);
    controller.abort();
    await expect(events.next()).rejects.toBe(controller.signal.reason);
  });
});

async function collect(input: ChatModelRequest, signal: AbortSignal): Promise<ChatModelEvent[]> {
  const events: ChatModelEvent[] = [];
  for await (const event of createChatModel({ provider: 'builtin' }).stream(input, signal))
    events.push(event);
  return events;
}
