import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { jobStages, newText } from './job-stages.js';
import { type PageServer, startPageServer } from './page-server.js';
import { recordRecovery } from './recovery-times.js';

const ROUNDS = 3;
const AGAIN_MS = 20_000;
const READY_MS = 60_000;

const recovery = recordRecovery('worker killed -> its job running again');
let chaos: Chaos;
let pages: PageServer;

beforeAll(async () => {
  const { text } = newText();
  pages = await startPageServer(`<title>Ship</title><main><h1>Ship</h1><p>${text}</p></main>`);
  chaos = await startChaos();
});
afterAll(async () => {
  recovery.print();
  await chaos.close();
  await pages.close();
});
afterEach(() => chaos.hangEmbeddings(false));

it.each(jobStages)(
  'does a job once in effect whose worker is killed at its stage $stage',
  async ({ catchJob, embeddingCalls }) => {
    const { cluster, accounts, urls } = chaos;
    for (let round = 0; round < ROUNDS; round += 1) {
      const account = accounts[round % 2 === 0 ? 0 : 1];
      const callsBefore = chaos.countCalls('embeddings');
      const { sourceId, worker, release, hasStopped } = await catchJob(chaos, account, pages);
      await worker.end('SIGKILL');
      const killedAt = performance.now();
      await release();
      const job = `jobs where payload ->> 'sourceId' = $1 and attempts = 2 and status in ('running', 'succeeded')`;
      await eventually('the job to run again', async () =>
        (await countRows(cluster, job, [sourceId])) === 1 ? true : null,
      );
      expect(recovery.add(killedAt)).toBeLessThan(AGAIN_MS);
      await worker.start();
      const status = await eventually(
        'the source to be ready',
        async () => {
          const now = await account.findStatus(urls[1], sourceId);
          return now === 'ready' || now === 'failed' ? now : null;
        },
        READY_MS,
      );
      expect(status).toBe('ready');
      expect(chaos.countCalls('embeddings') - callsBefore).toBe(embeddingCalls);
      expect(await countRows(cluster, `${job} and status = 'succeeded'`, [sourceId])).toBe(1);
      await eventually(
        'nobody to work for the killed one',
        async () => (await hasStopped?.()) !== false || null,
      );
      expect(await chaos.findBroken()).toEqual([]);
    }
  },
);
