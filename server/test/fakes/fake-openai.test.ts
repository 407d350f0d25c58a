import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createFakeClock } from './fake-clock.js';
import { embedByWords } from './fake-embeddings.js';
import { startFakeOpenAI, type FakeOpenAI } from './fake-openai.js';

const completionSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })),
  usage: z.record(z.string(), z.number()),
});

let fake: FakeOpenAI;

beforeEach(async () => {
  fake = await startFakeOpenAI();
});

afterEach(() => fake.close());

describe('the fake chat model', () => {
  const sources =
    '[1] Hours\nThe shop opens at eight.\n\n[2] Refunds\nWe are kind. A refund takes five days.\n\n';

  it.each([
    ['numbers in brackets', sources],
    [
      'tags',
      '<source number="1">The shop opens.</source>\n<source number="2">A refund takes five days.</source>\n\n',
    ],
  ])('answers from sources told by %s, with their number', async (_name, text) => {
    const reply = await complete(`${text}How many days does a refund take?`);
    expect(reply.choices[0]?.message.content).toBe('A refund takes five days [2].');
  });

  it('refuses where no source shares a word', async () => {
    const reply = await complete(`${sources}Who painted Guernica?`);
    expect(reply.choices[0]?.message.content).toBe('I could not find this in the sources.');
  });

  it('replies what the prompt asks for where no source shares a word', async () => {
    const reply = await complete(
      `If you do not know, reply with exactly NO_IDEA and no more.\n\n${sources}Who?`,
    );
    expect(reply.choices[0]?.message.content).toBe('NO_IDEA');
  });

  it('answers from sources in the system message too', async () => {
    const content = '<source number="4" title="Handbook">\nBeans come from Ethiopia.\n</source>';
    const response = await post('chat/completions', {
      messages: [
        { role: 'system', content },
        { role: 'user', content: 'Where do the beans come from?' },
      ],
    });
    expect(await response.text()).toContain('"Beans come from Ethiopia [4]."');
  });

  it('counts what it read and wrote', async () => {
    fake.set({ reply: () => 'one two three' });
    const reply = await complete('a b c d');
    expect(reply.usage).toEqual({ prompt_tokens: 4, completion_tokens: 3, total_tokens: 7 });
  });

  it.each([true, false])('streams, with usage only if asked: %s', async (wantsUsage) => {
    fake.set({ reply: () => 'one two' });
    const response = await post('chat/completions', {
      model: 'fake-mini',
      messages: [{ role: 'user', content: 'hello' }],
      stream: true,
      ...(wantsUsage ? { stream_options: { include_usage: true } } : {}),
    });
    const events = (await response.text()).trim().split('\n\n');
    expect(events.at(-1)).toBe('data: [DONE]');
    expect(events.filter((event) => event.includes('"usage"'))).toHaveLength(wantsUsage ? 1 : 0);
    expect(events.filter((event) => event.includes('"content":" two"'))).toHaveLength(1);
  });
});

describe('the fake embeddings', () => {
  it('are of length 1, the same for the same text, and near for shared words', () => {
    const question = embedByWords('How long does a refund take?', 256);
    expect(Math.hypot(...question)).toBeCloseTo(1, 12);
    expect(embedByWords('How long does a refund take?', 256)).toEqual(question);
    const near = dot(question, embedByWords('A refund does take five days', 256));
    const far = dot(question, embedByWords('Beans from Ethiopia', 256));
    expect(near).toBeGreaterThan(0.5);
    expect(far).toBeLessThan(0.3);
  });
});

describe('the fake server', () => {
  it('lists models, and answers 404 to what it does not know', async () => {
    const models = await fetch(`${fake.baseUrl}/models`);
    expect(await models.text()).toContain('"fake-mini"');
    expect((await post('nothing', {})).status).toBe(404);
    expect(fake.requests.map((request) => request.path)).toEqual(['/v1/models', '/v1/nothing']);
  });

  it('counts clients that leave, and no others', async () => {
    await post('nothing', {});
    fake.set({ mode: 'reset' });
    await expect(post('nothing', {})).rejects.toThrow('fetch failed');
    fake.set({ mode: 'hang' });
    const controller = new AbortController();
    const leaving = post('nothing', {}, controller.signal);
    await fake.whenRequested(3);
    controller.abort();
    await expect(leaving).rejects.toThrow('aborted');
    await fake.whenAborted(1);
    expect(fake.requests.map((request) => request.aborted)).toEqual([false, false, true]);
  });
});

describe('the fake clock', () => {
  it('stands still until it is moved', () => {
    const clock = createFakeClock('2026-03-01T00:00:00.000Z');
    expect(clock.now().toISOString()).toBe('2026-03-01T00:00:00.000Z');
    clock.advance(1500);
    expect(clock.now().toISOString()).toBe('2026-03-01T00:00:01.500Z');
  });
});

function post(route: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`${fake.baseUrl}/${route}`, {
    method: 'POST',
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function complete(content: string) {
  const response = await post('chat/completions', { messages: [{ role: 'user', content }] });
  return completionSchema.parse(await response.json());
}

function dot(left: number[], right: number[]): number {
  return left.reduce((sum, value, place) => sum + value * (right[place] ?? 0), 0);
}
