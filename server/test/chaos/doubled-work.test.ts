import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type Chaos, atOnce, countRows, startChaos } from './chaos-cluster.js';
import { jobStages, newText } from './job-stages.js';
import { type PageServer, startPageServer } from './page-server.js';

const SOURCES = 50;
const ROUNDS = 20;
const SYNCS = 20;

let chaos: Chaos;
let pages: PageServer;

beforeAll(async () => {
  pages = await startPageServer('');
  chaos = await startChaos();
});
afterAll(async () => {
  await chaos.close();
  await pages.close();
});

/** Texts that the model endpoint was given to embed. */
function countEmbedded(): number {
  return chaos.openai.requests
    .filter(({ path }) => path.endsWith('/embeddings'))
    .reduce((sum, { body }) => sum + (Array.isArray(body['input']) ? body['input'].length : 1), 0);
}

const audits = (action: string, sourceId: string) =>
  countRows(chaos.cluster, 'audit_logs where action = $1 and resource_id = $2', [action, sourceId]);

it('indexes fifty sources once each, with two workers', async () => {
  const { cluster, accounts, urls } = chaos;
  const embeddedBefore = countEmbedded();
  const sourceIds = await atOnce(SOURCES, async (index) => {
    const { name, text } = newText();
    return accounts[index % 2 === 0 ? 0 : 1].addText(urls[index % 4 < 2 ? 0 : 1], name, text);
  });
  expect(await chaos.findBroken()).toEqual([]);
  const chunks = await countRows(
    cluster,
    'document_chunks join documents on documents.id = document_id where source_id = any ($1)',
    [sourceIds],
  );
  expect(chunks).toBeGreaterThan(SOURCES);
  expect(countEmbedded() - embeddedBefore).toBe(chunks);
  const once = `jobs where payload ->> 'sourceId' = any ($1) and status = 'succeeded' and attempts = 1`;
  expect(await countRows(cluster, once, [sourceIds])).toBe(SOURCES);
  const workers = cluster.nodes.filter(({ role }) => role === 'worker');
  const shares = workers.map(
    ({ logLines }) => logLines().filter((line) => line.includes('job attempt ended')).length,
  );
  expect(Math.min(...shares)).toBeGreaterThan(0);
});

it('embeds a source once that is synced twenty times at once while it is indexed', async () => {
  const { accounts, urls } = chaos;
  const [account] = accounts;
  for (let round = 0; round < ROUNDS; round += 1) {
    const embeddedBefore = countEmbedded();
    const { name, text } = newText();
    const sourceId = await account.addText(urls[0], name, text);
    const replies = await atOnce(SYNCS, (index) =>
      account.send(urls[index % 2 === 0 ? 0 : 1], 'POST', `${account.project}/sources/${sourceId}/sync`),
    );
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202]));
    expect(await chaos.findBroken()).toEqual([]);
    const chunks = await countRows(
      chaos.cluster,
      'document_chunks join documents on documents.id = document_id where source_id = $1',
      [sourceId],
    );
    expect(countEmbedded() - embeddedBefore).toBe(chunks);
  }
});

it('runs a job once more for twenty syncs that came while it ran', async () => {
  const { accounts, urls, cluster } = chaos;
  const [account] = accounts;
  const embeddedBefore = countEmbedded();
  const index = jobStages.find(({ stage }) => stage === 'index');
  if (index === undefined) throw new Error('there is no such stage');
  const { sourceId, release } = await index.catchJob(chaos, account, pages);
  const syncing = atOnce(SYNCS, (each) =>
    account.send(urls[each % 2 === 0 ? 0 : 1], 'POST', `${account.project}/sources/${sourceId}/sync`),
  );
  // The job's row is locked by its transaction: the wishes wait for it.
  await eventually('the syncs to wait', async () =>
    (await countRows(
      cluster,
      `pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )) > SYNCS
      ? true
      : null,
  );
  await release();
  expect(new Set((await syncing).map(({ status }) => status))).toEqual(new Set([202]));
  expect(await chaos.findBroken()).toEqual([]);
  const job = `jobs where payload ->> 'sourceId' = $1`;
  expect(await countRows(cluster, `${job} and status = 'succeeded'`, [sourceId])).toBe(
    await countRows(cluster, job, [sourceId]),
  );
  expect(await audits('source.index', sourceId)).toBe(2);
  const chunks = await countRows(
    cluster,
    'document_chunks join documents on documents.id = document_id where source_id = $1',
    [sourceId],
  );
  expect(countEmbedded() - embeddedBefore).toBe(chunks);
});

it('makes one source of a request that is sent twenty times with one key, over both APIs', async () => {
  const { accounts, urls, cluster } = chaos;
  const [account] = accounts;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { name, text } = newText();
    const embeddedBefore = countEmbedded();
    const replies = await atOnce(SYNCS, (index) =>
      account.send(urls[index % 2 === 0 ? 0 : 1], 'POST', `${account.project}/sources`, {
        body: { type: 'text', name, text },
        key: `source-${round}`,
      }),
    );
    const statuses = new Set(replies.map(({ status }) => status));
    expect([...statuses].filter((status) => status !== 201 && status !== 202 && status !== 409)).toEqual([]);
    const made = new Set(replies.filter(({ status }) => status < 300).map((reply) => reply.json()['id']));
    expect(made.size).toBe(1);
    expect(await chaos.findBroken()).toEqual([]);
    expect(await countRows(cluster, 'sources where name = $1', [name])).toBe(1);
    const chunks = await countRows(
      cluster,
      'document_chunks join documents on documents.id = document_id where source_id = any ($1)',
      [[...made]],
    );
    expect(countEmbedded() - embeddedBefore).toBe(chunks);
  }
});
