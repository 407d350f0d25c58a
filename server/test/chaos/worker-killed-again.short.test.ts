import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { recordRecovery } from './recovery-times.js';

const AGAIN_MS = 20_000;
const KILLS = 2;

let chaos: Chaos;

beforeAll(async () => {
  chaos = await startChaos();
});
afterAll(() => chaos.close());

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
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const worker = await chaos.findCaller('embeddings');
    chaos.hangEmbeddings(kill < KILLS);
    await worker.end('SIGKILL');
    const killedAt = performance.now();
    await whenCalled(1 + kill);
    limits.push(recovery.add(killedAt));
    await worker.start();
  }
  recovery.print();
  expect(limits.filter((milliseconds) => milliseconds > AGAIN_MS)).toEqual([]);
  expect(await chaos.findBroken()).toEqual([]);
  expect(await accounts[0].findStatus(urls[1], sourceId)).toBe('ready');
  expect(chaos.countCalls('embeddings') - callsBefore).toBe(1 + KILLS);
  const job = `jobs where payload ->> 'sourceId' = $1 and status = 'succeeded' and attempts = $2`;
  expect(await countRows(cluster, job, [sourceId, 1 + KILLS])).toBe(1);
});
