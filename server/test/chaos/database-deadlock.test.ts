import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { newText } from './job-stages.js';
import { lockTable } from './table-lock.js';

const ROUNDS = 10;

let chaos: Chaos;

beforeAll(async () => {
  chaos = await startChaos();
});
afterAll(() => chaos.close());

const readDeadlocks = async () => {
  const [row] = await chaos.cluster.query(
    'select deadlocks::int from pg_stat_database where datname = current_database()',
  );
  return Number(row?.['deadlocks']);
};

/**
 * Takes the rows that a worker takes in the other order: its document, then, when the worker waits for that, its job.
 * Who waits here is more patient than PostgreSQL is by itself, so that the worker is the one that is given up.
 */
async function crossWorker(sourceId: string, letWorkerGoOn: () => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: chaos.cluster.databaseUrl });
  await client.connect();
  try {
    await client.query(`set deadlock_timeout = '60s'`);
    await client.query('begin');
    await client.query('select 1 from documents where source_id = $1 for update', [sourceId]);
    await letWorkerGoOn();
    await eventually('the worker to wait for the document', async () => {
      const { rows } = await client.query(
        'select 1 from pg_stat_activity where pg_backend_pid() = any (pg_blocking_pids(pid))',
      );
      return rows.length > 0 ? true : null;
    });
    await client.query(`select 1 from jobs where payload ->> 'sourceId' = $1 for update`, [sourceId]);
    await client.query('commit');
  } finally {
    await client.end();
  }
}

it('a transaction that is given up in a deadlock is made again, and nobody sees that', async () => {
  const { cluster, accounts, urls } = chaos;
  const callsBefore = chaos.countCalls('embeddings');
  const deadlocksBefore = await readDeadlocks();
  const sourceIds: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const lock = await lockTable(cluster.databaseUrl, 'document_chunks');
    const account = accounts[round % 2 === 0 ? 0 : 1];
    const { name, text } = newText();
    const sourceId = await account.addText(urls[0], name, text);
    sourceIds.push(sourceId);
    await lock.whenWaited();
    await crossWorker(sourceId, lock.release);
    await eventually('the source to be ready', async () =>
      (await account.findStatus(urls[1], sourceId)) === 'ready' ? true : null,
    );
  }
  await eventually('the statistics', async () =>
    (await readDeadlocks()) - deadlocksBefore >= ROUNDS ? true : null,
  );
  expect(await chaos.findBroken()).toEqual([]);
  const once = `jobs where payload ->> 'sourceId' = any ($1) and attempts = 1 and status = 'succeeded'`;
  expect(await countRows(cluster, once, [sourceIds])).toBe(ROUNDS);
  expect(chaos.countCalls('embeddings') - callsBefore).toBe(ROUNDS);
});
