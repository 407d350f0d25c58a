import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { answerFromNumberedSources } from '../fakes/fake-answer.js';
import type { FakeOpenAIMode, RecordedRequest } from '../fakes/fake-openai-options.js';
import { createTokenGate } from '../fakes/token-gate.js';
import type { AppliedToxic } from '../faults/toxics.js';
import type { FaultProxy } from '../faults/fault-proxy.js';
import { ANSWER, type AnswerStream, type Reply } from './chaos-account.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { recordRecovery } from './recovery-times.js';
import { proxyModels } from './service-faults.js';

const FREE = { inputTokens: 0, outputTokens: 0, cost: '0.000000000', charged: false };
const HEARTBEAT = ': keep-alive';

let chaos: Chaos;
let proxy: FaultProxy;

beforeAll(async () => {
  chaos = await startChaos();
  proxy = await proxyModels(chaos);
});
afterAll(async () => {
  await chaos.close();
  await proxy.close();
});
afterEach(async () => {
  chaos.openai.set({ mode: 'normal', tokenGate: null, retryAfter: '7', reply: answerFromNumberedSources });
  await proxy.set([]);
  // A good answer of each, so that no circuit knows of the failures before.
  for (const [index, url] of chaos.urls.entries()) {
    await eventually('an answer of the model', async () =>
      messageIn(await chaos.accounts[index === 0 ? 0 : 1].ask(url))['model'] === 'builtin' ? null : true,
    );
  }
  await expectWhole();
});

async function expectWhole(): Promise<void> {
  expect(await chaos.findBroken()).toEqual([]);
  expect(await countRows(chaos.cluster, `messages where cost <> 0 and status <> 'complete'`)).toBe(0);
}

const isChat = ({ path }: RecordedRequest) => path.endsWith('/chat/completions');
const chatFails = (mode: FakeOpenAIMode) =>
  chaos.openai.set({ mode: (request) => (isChat(request) ? mode : 'normal') });
const messageIn = (reply: Pick<Reply, 'text'>): Record<string, unknown> => {
  const json = /^event: done\ndata: (.*)$/m.exec(reply.text)?.[1] ?? reply.text;
  return (JSON.parse(json) as { message: Record<string, unknown> }).message;
};

/** The calls that a question through each API makes, and the answers to it. */
async function askBoth(isStream = false): Promise<{ calls: number; replies: Reply[]; milliseconds: number }> {
  const callsBefore = chaos.countCalls('chat/completions');
  const askedAt = performance.now();
  const replies = await Promise.all(
    chaos.urls.map((url, index) => chaos.accounts[index === 0 ? 0 : 1].ask(url, { isStream })),
  );
  const milliseconds = performance.now() - askedAt;
  return { calls: chaos.countCalls('chat/completions') - callsBefore, replies, milliseconds };
}

function expectQuotes(replies: Reply[]): void {
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
  expect(replies.map(messageIn)).toMatchObject(
    replies.map(() => ({
      status: 'complete',
      model: 'builtin',
      notices: [{ code: 'model_unavailable' }],
      usage: FREE,
    })),
  );
}

describe('a chat model that', () => {
  it('takes no more requests is asked three times, when it says', async () => {
    chatFails('rate_limited');
    chaos.openai.set({ retryAfter: '2' });
    const { calls, replies, milliseconds } = await askBoth();
    expectQuotes(replies);
    expect(calls).toBe(2 * 3);
    // Both waits, each as long as the header asks for.
    expect(milliseconds).toBeGreaterThan(2 * 2_000);
  });

  it('asks for a long rest is not waited for', async () => {
    chatFails('rate_limited');
    chaos.openai.set({ retryAfter: '60' });
    const { calls, replies } = await askBoth();
    expectQuotes(replies);
    expect(calls).toBe(2);
  });

  it('refuses connections is left soon', async () => {
    const recovery = recordRecovery('LLM refuses connections -> answer');
    const callsBefore = chaos.countCalls('chat/completions');
    await proxy.set([{ type: 'down' }]);
    for (let round = 0; round < 5; round += 1) {
      const askedAt = performance.now();
      const { replies } = await askBoth();
      recovery.add(askedAt);
      const notices = replies.map((reply) => messageIn(reply)['notices'] as { code: string }[]);
      for (const told of notices) expect(told.map(({ code }) => code)).toContain('model_unavailable');
      expect(replies.map(messageIn)).toMatchObject(replies.map(() => ({ model: 'builtin', usage: FREE })));
    }
    recovery.print();
    expect(chaos.countCalls('chat/completions')).toBe(callsBefore);
  });

  it('says nothing is given up after 30 s, and the reader is told meanwhile that all is alive', async () => {
    const recovery = recordRecovery('LLM hangs before its first word -> answer');
    chatFails('hang_before_first_token');
    const askedAt = performance.now();
    const { calls, replies, milliseconds } = await askBoth(true);
    recovery.add(askedAt);
    recovery.print();
    expectQuotes(replies);
    expect(calls).toBe(2);
    expect(milliseconds).toBeGreaterThan(30_000);
    expect(milliseconds).toBeLessThan(40_000);
    for (const { text } of replies) expect(text.split(HEARTBEAT).length - 1).toBeGreaterThanOrEqual(2);
  });

  it('hangs in the middle is given up after 20 s, and what it said is kept', async () => {
    chatFails('hang_between_tokens');
    const { calls, replies, milliseconds } = await askBoth(true);
    expect(calls).toBe(2);
    expect(milliseconds).toBeGreaterThan(20_000);
    expect(milliseconds).toBeLessThan(30_000);
    for (const reply of replies) {
      expect(messageIn(reply)).toMatchObject({ status: 'incomplete', usage: { ...FREE, charged: false } });
      expect(String(messageIn(reply)['content'])).toBe(ANSWER.split(' ').slice(0, 2).join(' '));
      expect(reply.text).toContain(HEARTBEAT);
    }
  });

  it('says a word each five seconds is waited for', async () => {
    const gate = createTokenGate();
    const words = ANSWER.split(' ').length + 2;
    chaos.openai.set({ tokenGate: gate, reply: () => 'A refund takes five working days [1].' });
    const asked = askBoth(true);
    const state = { isAnswered: false };
    void asked.then(() => (state.isAnswered = true));
    for (let word = 0; word < words && !state.isAnswered; word += 1) {
      await delay(5_000);
      gate.release(2);
    }
    const { calls, replies } = await asked;
    expect(calls).toBe(2);
    for (const reply of replies) {
      expect(messageIn(reply)).toMatchObject({
        status: 'complete',
        content: 'A refund takes five working days [1].',
      });
      expect(reply.text.split(HEARTBEAT).length - 1).toBeGreaterThanOrEqual(2);
    }
  });
});

describe.each<{ name: string; toxics: AppliedToxic[] }>([
  { name: 'is cut by the network', toxics: [{ type: 'down' }] },
  { name: 'is reset', toxics: [{ type: 'reset_peer', afterMs: 0 }] },
  {
    name: 'ends in the middle of a word',
    toxics: [{ type: 'limit_data', maxBytes: 100, direction: 'downstream' }],
  },
])('the stream of a model that $name', ({ toxics }) => {
  it('is kept as incomplete with all that was shown, at no cost, and is not asked for again', async () => {
    const { cluster, openai, accounts, urls } = chaos;
    const gate = createTokenGate();
    // So long that none of them has ended when all have begun: they share the gate.
    openai.set({ tokenGate: gate, reply: () => `${`${ANSWER}. `.repeat(20)}[1].` });
    const callsBefore = chaos.countCalls('chat/completions');
    // Fewer than open a circuit.
    const streams: AnswerStream[] = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((index) =>
        accounts[index % 2 === 0 ? 0 : 1].stream(urls[index % 2 === 0 ? 0 : 1]),
      ),
    );
    await eventually('all answers to have shown some words', () => {
      const isEach = streams.every(({ text }) => text().includes('event: delta'));
      if (!isEach) gate.release(streams.length);
      return isEach ? true : null;
    });
    await proxy.set(toxics);
    gate.open();
    expect(await Promise.all(streams.map(({ ended }) => ended))).toEqual(streams.map(() => 'end'));
    for (const { messageId, text } of streams) {
      const shown = [...text().matchAll(/^event: delta\ndata: (.*)$/gm)]
        .map(([, json]) => (JSON.parse(json ?? '') as { text: string }).text)
        .join('');
      expect(shown).not.toBe('');
      expect(messageIn({ text: text() })).toMatchObject({
        id: messageId,
        status: 'incomplete',
        content: shown,
      });
      const kept = `messages where id = $1 and status = 'incomplete' and content = $2 and cost = 0`;
      expect(await countRows(cluster, kept, [messageId, shown])).toBe(1);
    }
    expect(chaos.countCalls('chat/completions') - callsBefore).toBe(streams.length);
  });
});
