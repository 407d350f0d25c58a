import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { messageOf } from './chaos-account.js';
import { type Chaos, atOnce, countRows, startChaos } from './chaos-cluster.js';
import { recordRecovery } from './recovery-times.js';
import { createStepGate } from './step-gate.js';

const SUBMITS = { rounds: 20, parallel: 20 };
const WORKER_KILLS = 2;
const RUNNING_AGAIN_MS = 20_000;
const STREAMS = 24;
const CLOSED_MS = 30_000;
const TRIES_MS = 60_000;

let chaos: Chaos;

beforeAll(async () => {
  chaos = await startChaos();
});
afterAll(() => chaos.close());
afterEach(() => {
  chaos.hangEmbeddings(false);
  chaos.openai.set({ tokenGate: null });
});

it('answers a question once that is sent twenty times with one key, over both APIs', async () => {
  const { cluster, accounts, urls } = chaos;
  const [account] = accounts;
  const outcomes: number[][] = [];
  const bodies: number[] = [];
  for (let round = 0; round < SUBMITS.rounds; round += 1) {
    const replies = await atOnce(SUBMITS.parallel, (index) =>
      account.ask(urls[index % 2 === 0 ? 0 : 1], { key: `round-${round}` }),
    );
    outcomes.push([...new Set(replies.map(({ status }) => status))].toSorted((left, right) => left - right));
    const answers = replies.filter(({ status }) => status === 200).map(({ text }) => text);
    bodies.push(new Set(answers).size);
    const later = await account.ask(urls[round % 2 === 0 ? 1 : 0], { key: `round-${round}` });
    expect(later.text).toBe(answers[0]);
  }
  expect(outcomes.filter((statuses) => statuses.some((status) => status !== 200 && status !== 409))).toEqual(
    [],
  );
  expect(bodies).toEqual(Array.from({ length: SUBMITS.rounds }, () => 1));
  expect(await countRows(cluster, `messages where role = 'user'`)).toBe(SUBMITS.rounds);
  expect(await countRows(cluster, `messages where role = 'assistant' and status = 'complete'`)).toBe(
    SUBMITS.rounds,
  );
  expect(await countRows(cluster, 'conversations')).toBe(SUBMITS.rounds);
  expect(chaos.countCalls('chat/completions')).toBe(SUBMITS.rounds);
  expect(await chaos.findBroken()).toEqual([]);
});

it('runs a job to its end whose worker is killed twice, each time again within 20 s', async () => {
  const { cluster, accounts, urls } = chaos;
  const recovery = recordRecovery('worker killed, the 1st and the 2nd time on one job -> running again');
  const callsBefore = chaos.countCalls('embeddings');
  const whenCalled = (times: number) =>
    eventually(`call ${times} for embeddings`, () =>
      chaos.countCalls('embeddings') >= callsBefore + times ? true : null,
    );
  chaos.hangEmbeddings(true);
  const sourceId = await accounts[0].addText(urls[0], 'Ledger', 'The herring came in at dawn.');
  await whenCalled(1);
  const limits: number[] = [];
  for (let kill = 1; kill <= WORKER_KILLS; kill += 1) {
    const worker = await chaos.findCaller('embeddings');
    chaos.hangEmbeddings(kill < WORKER_KILLS);
    await worker.end('SIGKILL');
    const killedAt = performance.now();
    await whenCalled(1 + kill);
    limits.push(recovery.add(killedAt));
    await worker.start();
  }
  recovery.print();
  expect(limits.filter((milliseconds) => milliseconds > RUNNING_AGAIN_MS)).toEqual([]);
  expect(await chaos.findBroken()).toEqual([]);
  expect(await accounts[0].findStatus(urls[1], sourceId)).toBe('ready');
  expect(chaos.countCalls('embeddings') - callsBefore).toBe(1 + WORKER_KILLS);
  const job = `jobs where payload ->> 'sourceId' = $1 and status = 'succeeded' and attempts = $2`;
  expect(await countRows(cluster, job, [sourceId, 1 + WORKER_KILLS])).toBe(1);
});

it('keeps the questions of an API killed in mid-stream, closes their answers and takes them again', async () => {
  const { cluster, openai, accounts, urls } = chaos;
  const closing = recordRecovery('API killed in mid-stream -> its answers closed');
  const retrying = recordRecovery('API killed in mid-stream -> answer to the retry');
  const keys = Array.from({ length: STREAMS }, (_, index) => `stream-${index}`);
  const accountOf = (index: number) => accounts[index % 2 === 0 ? 0 : 1];
  const gate = createStepGate();
  const before = await countMessages();
  const callsBefore = chaos.countCalls('chat/completions');
  openai.set({ tokenGate: gate });
  const streams = await Promise.all(keys.map((key, index) => accountOf(index).stream(urls[0], { key })));
  await gate.showFirstWords(streams);
  expect(chaos.countCalls('chat/completions') - callsBefore).toBe(STREAMS);
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
  const after = await countMessages();
  expect([after.complete - before.complete, after.failed - before.failed]).toEqual([STREAMS, STREAMS]);
  expect(after.questions - before.questions).toBe(2 * STREAMS);
  expect(await countRows(cluster, `messages where status = 'failed' and cost <> 0`)).toBe(0);
  expect(chaos.countCalls('chat/completions') - callsBefore).toBe(2 * STREAMS);
});

async function countMessages() {
  const answers = (status: string) =>
    countRows(chaos.cluster, `messages where role = 'assistant' and status = $1`, [status]);
  return {
    questions: await countRows(chaos.cluster, `messages where role = 'user'`),
    complete: await answers('complete'),
    failed: await answers('failed'),
  };
}
