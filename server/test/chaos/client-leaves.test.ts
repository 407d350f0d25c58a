import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { createTokenGate } from '../fakes/token-gate.js';
import { readProcessResources } from '../faults/process-resources.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { recordRecovery } from './recovery-times.js';
import { createStepGate } from './step-gate.js';

const ROUNDS = 10;
const PARALLEL = 20;
const STOPPED_MS = 1_000;
const FEW = 20;

let chaos: Chaos;

beforeAll(async () => {
  chaos = await startChaos();
});
afterAll(() => chaos.close());
afterEach(() => chaos.openai.set({ tokenGate: null }));

it('stops the model within 1 s when the reader of a plain answer leaves, 200 times, and frees what it held', async () => {
  const { cluster, openai, accounts, urls } = chaos;
  const stopping = recordRecovery('client of a plain answer left -> the model is told to stop');
  const gate = createTokenGate();
  openai.set({ tokenGate: gate });
  const leave = async (round: number) => {
    const callsBefore = chaos.countCalls('chat/completions');
    const abortedBefore = openai.abortedRequests;
    const leaving = new AbortController();
    const asked = Array.from({ length: PARALLEL }, (_, index) =>
      accounts[index % 2 === 0 ? 0 : 1].ask(urls[(index + round) % 2 === 0 ? 0 : 1], {
        signal: leaving.signal,
      }),
    );
    const outcomes = Promise.allSettled(asked);
    await eventually('the model to be asked', () =>
      chaos.countCalls('chat/completions') === callsBefore + PARALLEL ? true : null,
    );
    gate.release(3 * PARALLEL);
    leaving.abort();
    const leftAt = performance.now();
    await openai.whenAborted(abortedBefore + PARALLEL);
    const milliseconds = stopping.add(leftAt);
    expect((await outcomes).map(({ status }) => status)).toEqual(asked.map(() => 'rejected'));
    return milliseconds;
  };
  // What a process holds is compared from when it has done this before.
  await leave(0);
  const resourcesOf = () =>
    Promise.all([0, 1].map((index) => readProcessResources(cluster.api(index).processId())));
  const before = await resourcesOf();
  const all: number[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) all.push(await leave(round));
  stopping.print();
  expect(all.filter((milliseconds) => milliseconds > STOPPED_MS)).toEqual([]);

  const broken = await eventually('the sockets to be closed', async () => {
    const after = await resourcesOf();
    const pairs = before.map((first, index) => ({ before: first, after: after[index] ?? first }));
    // Memory is the collector's to give back; what a socket holds is not.
    const lines = await chaos.findBroken(
      pairs.map((pair) => ({ ...pair, after: { ...pair.after, residentBytes: pair.before.residentBytes } })),
    );
    return lines.length === 0 ? lines : null;
  });
  expect(broken).toEqual([]);
  expect(openai.abortedRequests).toBe((1 + ROUNDS) * PARALLEL);
  const answersOf = (status: string) =>
    countRows(cluster, `messages where role = 'assistant' and status = $1`, [status]);
  expect([await answersOf('complete'), await answersOf('incomplete')]).toEqual([0, (1 + ROUNDS) * PARALLEL]);
});

it('lets an answer run on whose event stream nobody reads any more', async () => {
  const { cluster, openai, accounts, urls } = chaos;
  const gate = createStepGate();
  openai.set({ tokenGate: gate });
  const abortedBefore = openai.abortedRequests;
  const streams = await Promise.all(
    Array.from({ length: FEW }, (_, index) =>
      accounts[index % 2 === 0 ? 0 : 1].stream(urls[index % 4 < 2 ? 0 : 1]),
    ),
  );
  await gate.showFirstWords(streams);
  for (const { leave } of streams) leave();
  expect(await Promise.all(streams.map(({ ended }) => ended))).toEqual(streams.map(() => 'broken'));
  gate.open();
  expect(await chaos.findBroken()).toEqual([]);
  expect(openai.abortedRequests).toBe(abortedBefore);
  const complete = `messages where id = any ($1) and status = 'complete'`;
  expect(await countRows(cluster, complete, [streams.map(({ messageId }) => messageId)])).toBe(FEW);
  // Whoever comes back to another API has it from there.
  const [first] = streams;
  const resumed = await accounts[0].send(
    urls[1],
    'GET',
    `${accounts[0].project}/chat/${first?.messageId}/stream`,
  );
  expect(resumed.text).toContain('event: done');
});
