import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../eventually.js';
import { messageOf } from './chaos-account.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { recordRecovery } from './recovery-times.js';
import { createStepGate } from './step-gate.js';

const STREAMS = 24;
const CLOSED_MS = 30_000;
const TRIES_MS = 60_000;

let chaos: Chaos;

beforeAll(async () => {
  chaos = await startChaos();
});
afterAll(() => chaos.close());

it('keeps the questions of an API killed in mid-stream, closes their answers and takes them again', async () => {
  const { cluster, openai, accounts, urls } = chaos;
  const closing = recordRecovery('API killed in mid-stream -> its answers closed');
  const retrying = recordRecovery('API killed in mid-stream -> answer to the retry');
  const keys = Array.from({ length: STREAMS }, (_, index) => `stream-${index}`);
  const accountOf = (index: number) => accounts[index % 2 === 0 ? 0 : 1];
  const gate = createStepGate();
  openai.set({ tokenGate: gate });
  const streams = await Promise.all(keys.map((key, index) => accountOf(index).stream(urls[0], { key })));
  await gate.showFirstWords(streams);
  expect(chaos.countCalls('chat/completions')).toBe(STREAMS);
  expect(streams.filter(({ text }) => /event: (done|error)/.test(text()))).toEqual([]);

  await cluster.api(0).end('SIGKILL');
  const killedAt = performance.now();
  expect(await Promise.all(streams.map(({ ended }) => ended))).toEqual(keys.map(() => 'broken'));
  gate.open();
  const messageIds = streams.map(({ messageId }) => messageId);
  const closed = eventually('the answers to be closed', async () => {
    const open = await countRows(cluster, `messages where status = 'streaming' and id = any ($1)`, [
      messageIds,
    ]);
    return open === 0 ? closing.add(killedAt) : null;
  });
  closed.catch(() => {});
  // As a client does that knows of Retry-After: until it gets an answer.
  const answers = await Promise.all(
    keys.map(async (key, index) => {
      for (;;) {
        const reply = await accountOf(index).ask(urls[1], { key, isStream: true });
        if (reply.status !== 409) {
          retrying.add(killedAt);
          return reply;
        }
        expect(reply.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
        if (performance.now() - killedAt > TRIES_MS) return reply;
        await delay(200);
      }
    }),
  );
  expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 200));
  expect(await closed).toBeLessThan(CLOSED_MS);
  closing.print();
  retrying.print();

  await cluster.api(0).start();
  const again = await Promise.all(
    keys.map((key, index) => accountOf(index).ask(urls[index % 4 < 2 ? 0 : 1], { key, isStream: true })),
  );
  expect(again.map(messageOf)).toEqual(answers.map(messageOf));
  expect(again.map(({ headers }) => headers.get('idempotency-replayed'))).toEqual(keys.map(() => 'true'));
  expect(await chaos.findBroken()).toEqual([]);
  const answersOf = (status: string) =>
    countRows(cluster, `messages where role = 'assistant' and status = $1`, [status]);
  expect([await answersOf('complete'), await answersOf('failed')]).toEqual([STREAMS, STREAMS]);
  expect(await countRows(cluster, `messages where role = 'user'`)).toBe(2 * STREAMS);
  expect(await countRows(cluster, `messages where status = 'failed' and cost <> 0`)).toBe(0);
  expect(chaos.countCalls('chat/completions')).toBe(2 * STREAMS);
});
