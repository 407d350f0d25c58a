import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type FaultProxy, startFaultProxy } from '../faults/fault-proxy.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { newText } from './job-stages.js';

const FOR_EVER_MS = 10 ** 9;
const READY_MS = 60_000;
/** Any number: the test holds it, and every commit that brings chunks waits for it. */
const COMMIT_LOCK = 7;
const HOLD_COMMITS = `
  create function wait_for_the_test() returns trigger language plpgsql as
    $$ begin perform pg_advisory_xact_lock(${COMMIT_LOCK}); return null; end $$;
  create constraint trigger hold_commits after insert on document_chunks deferrable initially deferred
    for each row execute function wait_for_the_test();`;

let chaos: Chaos;
let proxy: FaultProxy;
let holder: pg.Client;

beforeAll(async () => {
  chaos = await startChaos();
  const { databaseUrl, query, worker } = chaos.cluster;
  proxy = await startFaultProxy(databaseUrl);
  holder = new pg.Client({ connectionString: databaseUrl });
  await holder.connect();
  await query(HOLD_COMMITS);
  await worker(0).end('SIGTERM');
  await worker(0).start({ DATABASE_URL: proxy.through(databaseUrl) });
});
afterAll(async () => {
  await holder.end();
  await chaos.close();
  await proxy.close();
});

it('publishes nothing from a worker that was cut off between two transactions, and whose job another one did', async () => {
  const { cluster, accounts, urls } = chaos;
  const [account] = accounts;
  // It is the one that takes the job.
  await cluster.worker(1).end('SIGTERM');
  await holder.query('select pg_advisory_lock($1)', [COMMIT_LOCK]);
  const { name, text } = newText();
  const sourceId = await account.addText(urls[0], name, text);
  await eventually('the chunks to be committed', async () =>
    (await countRows(cluster, `pg_locks where locktype = 'advisory' and not granted`)) > 0 ? true : null,
  );
  await cluster.worker(1).start();
  await proxy.set([{ type: 'latency', latencyMs: FOR_EVER_MS, direction: 'upstream' }]);
  await holder.query('select pg_advisory_unlock($1)', [COMMIT_LOCK]);
  await eventually(
    'the other worker to do the job',
    async () => ((await account.findStatus(urls[1], sourceId)) === 'ready' ? true : null),
    READY_MS,
  );
  const versions = () =>
    cluster.query(
      `select live_version, (select count(*)::int from document_chunks where document_id = documents.id
        and version = live_version) = chunk_count as is_whole from documents where source_id = $1`,
      [sourceId],
    );
  expect(await versions()).toEqual([{ live_version: 2, is_whole: true }]);
  const lines = cluster.worker(0).logLines().length;
  await proxy.set([]);
  await eventually('the attempt that was cut off to end', () => {
    const ends = cluster.worker(0).logLines().slice(lines);
    return ends.some((line) => line.includes('job attempt ended')) ? true : null;
  });
  expect(await versions()).toEqual([{ live_version: 2, is_whole: true }]);
  const outcome = cluster
    .worker(0)
    .logLines()
    .slice(lines)
    .find((line) => line.includes('job attempt ended'));
  expect(outcome).toContain('"outcome":"lost"');
  const job = `jobs where payload ->> 'sourceId' = $1 and status = 'succeeded' and attempts = 2`;
  expect(await countRows(cluster, job, [sourceId])).toBe(1);
  expect(await chaos.findBroken()).toEqual([]);
});
