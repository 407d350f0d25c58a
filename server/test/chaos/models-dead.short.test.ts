import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import type { Account, Reply } from './chaos-account.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { note, recordRecovery } from './recovery-times.js';
import { findBroken } from './service-faults.js';

const MESSAGES = 200;
const AT_ONCE = 10;
/** Of what 200 messages may cost an endpoint that is dead. */
const MAX_CALLS_PER_MESSAGE = 1.1;
/** After an hour of failures an endpoint is probed each 30 s; after these few seconds sooner. */
const BACK_MS = 40_000;

let chaos: Chaos;

beforeAll(async () => {
  chaos = await startChaos();
});
afterAll(() => chaos.close());

const partOf = (reply: Reply) => {
  const { refusal, notices, model, usage } = (reply.json() as { message: Record<string, unknown> }).message;
  return { refusal, notices, model, usage };
};
const FREE = { inputTokens: 0, outputTokens: 0, cost: '0.000000000', charged: false };

it('answers by itself, at no cost, while the chat model is dead, and leaves that alone', async () => {
  const { cluster, openai, accounts, urls } = chaos;
  const answering = recordRecovery('LLM dead -> answer, as the project wants it');
  const returning = recordRecovery('LLM back -> answer of the model');
  const [quoting, refusing] = accounts;
  const body = { modelFallback: 'refusal' };
  expect((await refusing.send(urls[0], 'PATCH', refusing.project, { body })).status).toBe(200);
  openai.set({ mode: ({ path }) => (path.endsWith('/chat/completions') ? 'server_error' : 'normal') });
  const callsBefore = chaos.countCalls('chat/completions');

  const ask = async (account: Account, url: string) => {
    const askedAt = performance.now();
    const reply = await account.ask(url);
    answering.add(askedAt);
    expect(reply.status).toBe(200);
    return partOf(reply);
  };
  for (let asked = 0; asked < MESSAGES; asked += AT_ONCE) {
    const parts = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) =>
        ask(index % 2 === 0 ? quoting : refusing, urls[index % 4 < 2 ? 0 : 1]),
      ),
    );
    for (const [index, part] of parts.entries()) {
      expect(part).toMatchObject(
        index % 2 === 0
          ? { model: 'builtin', refusal: null, notices: [{ code: 'model_unavailable' }], usage: FREE }
          : { refusal: { reason: 'unavailable' }, usage: FREE },
      );
    }
  }
  answering.print();
  const calls = chaos.countCalls('chat/completions') - callsBefore;
  note(`LLM dead: ${calls} calls for ${MESSAGES} messages to two API processes`);
  expect(calls).toBeLessThanOrEqual(MESSAGES * MAX_CALLS_PER_MESSAGE);
  // Each process finds out by itself: five failures, those in hand by then, and a probe or two.
  expect(calls).toBeLessThanOrEqual(2 * (5 + AT_ONCE));
  for (const url of urls) {
    const health = await (await fetch(`${url}/health`)).json();
    expect(health).toMatchObject({ status: 'degraded', parts: { chat: { status: 'degraded' } } });
  }

  openai.set({ mode: 'normal' });
  const backAt = performance.now();
  await Promise.all(
    urls.map(async (url) => {
      await eventually('an answer of the model', async () =>
        partOf(await quoting.ask(url)).model === 'builtin' ? null : true,
      );
      expect(returning.add(backAt)).toBeLessThan(BACK_MS);
    }),
  );
  returning.print();
  expect(await findBroken(chaos)).toEqual([]);
  const charged = `messages where cost <> 0 and (model = 'builtin' or refusal is not null)`;
  expect(await countRows(cluster, charged)).toBe(0);
});
