import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { jobStages, newText } from './job-stages.js';
import { type PageServer, startPageServer } from './page-server.js';
import { recordRecovery } from './recovery-times.js';

const AGAIN_MS = 20_000;
const READY_MS = 60_000;
/** Where the attempt that was frozen finds its way on when it is awake again. */
const FROZEN_AT = new Set(['fetch', 'extract', 'index', 'publish', 'finish']);

const recovery = recordRecovery('worker frozen (SIGSTOP) -> its job running again');
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
afterEach(() => {
  chaos.hangEmbeddings(false);
  for (const index of [0, 1]) chaos.cluster.worker(index).signal('SIGCONT');
});

it.each(jobStages.filter(({ stage }) => FROZEN_AT.has(stage)))(
  'writes nothing twice when a worker is frozen at the stage $stage for longer than its lease, and wakes up',
  async ({ stage, catchJob }) => {
    const { cluster, accounts, urls } = chaos;
    const [account] = accounts;
    const { sourceId, worker, release } = await catchJob(chaos, account, pages);
    worker.signal('SIGSTOP');
    const frozenAt = performance.now();
    // What waits for a table goes on without the process that asked for it; what waits for a page has to wait on.
    if (stage === 'fetch') pages.hold(false);
    else if (stage !== 'extract') await release();
    const job = `jobs where payload ->> 'sourceId' = $1 and attempts = 2`;
    await eventually(
      'another worker to take the job',
      async () => ((await countRows(cluster, job, [sourceId])) === 1 ? true : null),
      READY_MS,
    );
    expect(recovery.add(frozenAt)).toBeLessThan(AGAIN_MS);
    await eventually(
      'the source to be ready',
      async () => ((await account.findStatus(urls[1], sourceId)) === 'ready' ? true : null),
      READY_MS,
    );
    const [before] = await cluster.query(statementOfState, [sourceId]);
    const lines = worker.logLines().length;
    worker.signal('SIGCONT');
    if (stage === 'fetch' || stage === 'extract') await release();
    await eventually('the frozen attempt to end', () => {
      const ends = worker
        .logLines()
        .slice(lines)
        .filter((line) => line.includes('job attempt ended'));
      return ends.some((line) => line.includes('"outcome":"lost"')) ? true : null;
    });
    expect(await cluster.query(statementOfState, [sourceId])).toEqual([before]);
    expect(await countRows(cluster, `${job} and status = 'succeeded'`, [sourceId])).toBe(1);
    expect(await chaos.findBroken()).toEqual([]);
  },
);

/** All that an attempt writes, in one row that changes with any of it. */
const statementOfState = `
  select sources.status, sources.updated_at, documents.live_version, documents.updated_at as published_at,
    (select string_agg(id::text, ',' order by id) from document_chunks
      where document_chunks.document_id = documents.id) as chunks,
    (select count(*)::int from embeddings join document_chunks on document_chunks.id = chunk_id
      where document_chunks.document_id = documents.id) as embeddings
  from sources join documents on documents.source_id = sources.id where sources.id = $1`;
