import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../eventually.js';
import { type AnswerStream, messageOf } from './chaos-account.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { startLoad } from './keep-alive-load.js';
import { note, recordRecovery } from './recovery-times.js';
import { type StepGate, createStepGate } from './step-gate.js';

const STREAMS = 20;
const LOAD = { clients: 20, pauseMs: 150 };
const STOPPED_MS = 31_000;

let chaos: Chaos;
let gate: StepGate;

beforeAll(async () => {
  chaos = await startChaos();
});
afterAll(() => chaos.close());
afterEach(() => chaos.openai.set({ tokenGate: null }));

/** Streams of the first API that have shown some words, and wait for more. */
async function startStreams(keys: string[]): Promise<AnswerStream[]> {
  gate = createStepGate();
  chaos.openai.set({ tokenGate: gate });
  const { accounts, urls } = chaos;
  const streams = await Promise.all(
    keys.map((key, index) => accounts[index % 2 === 0 ? 0 : 1].stream(urls[0], { key })),
  );
  await gate.showFirstWords(streams);
  return streams;
}

const someKeys = (name: string) => Array.from({ length: STREAMS }, (_, index) => `${name}-${index}`);

describe('SIGTERM of an API under load', () => {
  it('lets its streams end, refuses new requests politely, resets no connection and exits with 0', async () => {
    const { cluster, accounts, urls } = chaos;
    const stopping = recordRecovery('API told to stop, its streams ended by then -> exit');
    const load = startLoad(`${urls[0]}${accounts[0].project}`, accounts[0].accessToken, LOAD);
    const streams = await startStreams(someKeys('drained'));
    await eventually('some answers to the load', () => ((load.outcomes.get('200') ?? 0) > 50 ? true : null));
    const stoppedAt = performance.now();
    const ended = cluster.api(0).end('SIGTERM');
    await eventually('new requests to be refused', () => (load.outcomes.has('503') ? true : null));
    await eventually('the port to be closed', () => (load.outcomes.has('ECONNREFUSED') ? true : null));
    expect(streams.filter(({ text }) => /event: (done|error)/.test(text()))).toEqual([]);
    gate.open();
    expect(await Promise.all(streams.map((stream) => stream.ended))).toEqual(streams.map(() => 'end'));
    expect(await ended).toEqual({ exitCode: 0, signal: null });
    expect(stopping.add(stoppedAt)).toBeLessThan(STOPPED_MS);
    stopping.print();
    await load.stop();
    note(`load while an API stopped: ${JSON.stringify([...load.outcomes])}`);
    expect([...load.outcomes.keys()].toSorted()).toEqual(['200', '503', 'ECONNREFUSED']);

    const messages = streams.map(({ text }) => messageOf({ text: text() }));
    expect(new Set(messages.map(({ content }) => content.slice(0, 16)))).toEqual(
      new Set(['A refund takes f']),
    );
    await cluster.api(0).start();
    expect(await chaos.findBroken()).toEqual([]);
    expect(await countRows(cluster, `messages where role = 'assistant' and status = 'complete'`)).toBe(
      STREAMS,
    );
  });

  it('cuts streams that do not end after 30 s, keeps what they have shown and exits with 0', async () => {
    const { cluster } = chaos;
    const streams = await startStreams(someKeys('cut'));
    const stoppedAt = performance.now();
    expect(await cluster.api(0).end('SIGTERM')).toEqual({ exitCode: 0, signal: null });
    expect(performance.now() - stoppedAt).toBeLessThan(STOPPED_MS + 2_000);
    expect(await Promise.all(streams.map((stream) => stream.ended))).toEqual(streams.map(() => 'end'));
    const shown = `messages where id = any ($1) and status = 'incomplete' and content like 'A refund%'`;
    expect(await countRows(cluster, shown, [streams.map(({ messageId }) => messageId)])).toBe(STREAMS);
    gate.open();
    await cluster.api(0).start();
    expect(await chaos.findBroken()).toEqual([]);
  });
});

it('an API that is frozen in mid-stream and wakes up later gives no second answer to a key', async () => {
  const { cluster, accounts, urls } = chaos;
  const keys = someKeys('frozen');
  const accountOf = (index: number) => accounts[index % 2 === 0 ? 0 : 1];
  const callsBefore = chaos.countCalls('chat/completions');
  const closing = recordRecovery('API frozen (SIGSTOP) in mid-stream -> its answers closed');
  const streams = await startStreams(keys);
  cluster.api(0).signal('SIGSTOP');
  const frozenAt = performance.now();
  gate.open();
  const ids = streams.map(({ messageId }) => messageId);
  await eventually('the answers to be closed', async () =>
    (await countRows(cluster, `messages where status = 'streaming' and id = any ($1)`, [ids])) === 0
      ? true
      : null,
  );
  expect(closing.add(frozenAt)).toBeLessThan(30_000);
  closing.print();
  const answers = await Promise.all(
    keys.map(async (key, index) => {
      for (;;) {
        const reply = await accountOf(index).ask(urls[1], { key, isStream: true });
        if (reply.status !== 409) return reply;
        await delay(200);
      }
    }),
  );
  expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 200));
  cluster.api(0).signal('SIGCONT');
  expect(await Promise.all(streams.map(({ ended }) => ended))).toEqual(keys.map(() => 'end'));
  expect(await chaos.findBroken()).toEqual([]);
  const woken = await cluster.query(
    'select status, count(*)::int from messages where id = any ($1) group by 1',
    [ids],
  );
  note(`answers of the API that was frozen, after it woke up: ${JSON.stringify(woken)}`);
  const again = await Promise.all(
    keys.map((key, index) => accountOf(index).ask(urls[0], { key, isStream: true })),
  );
  expect(again.map(messageOf)).toEqual(answers.map(messageOf));
  expect(chaos.countCalls('chat/completions') - callsBefore).toBe(2 * STREAMS);
});
