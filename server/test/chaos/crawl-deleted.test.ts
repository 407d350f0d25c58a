import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eventually } from '../eventually.js';
import { listOrphanFiles } from '../faults/orphan-files.js';
import { type Account, openAccount } from './chaos-account.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { catchVisits, countIndexed } from './crawl-stages.js';
import { type Crawl, addCrawl } from './crawls.js';
import { type GatedSite, startGatedSite } from './gated-site.js';
import { recordRecovery } from './recovery-times.js';

const PAGES = 40;
const SOME_PAGES = 10;
const GONE_MS = 5_000;
/** Of PAGES, the one that is visited last. */
const LAST_PAGE = '/page/39';
const EARLY_PAGE = '/page/3';
const FAILURES_THAT_END_A_RUN = 25;

let chaos: Chaos;
let site: GatedSite;
/** Not one of the tenants whose sources must be there in the end. */
let account: Account;
let sites = 0;

beforeAll(async () => {
  chaos = await startChaos({ apis: 1 });
});
afterAll(() => chaos.close());
afterEach(() => site.close());

async function open(pages = PAGES): Promise<void> {
  site = await startGatedSite(`barge${(sites += 1)}x`, pages);
  account = await openAccount(chaos.urls[0]);
}

async function letGo(): Promise<void> {
  site.hold(null);
  site.release();
}

/** Rows of a source or of anything below it. */
async function countLeft(sourceId: string): Promise<number> {
  const ofSource = `payload ->> 'sourceId' = $1 and status in ('queued', 'running')`;
  const counts = [
    ...Object.values(await countIndexed(chaos, sourceId)),
    await countRows(chaos.cluster, 'sources where id = $1', [sourceId]),
    await countRows(chaos.cluster, 'source_pages where source_id = $1', [sourceId]),
    await countRows(chaos.cluster, 'documents where source_id = $1', [sourceId]),
    await countRows(chaos.cluster, `jobs where ${ofSource}`, [sourceId]),
  ];
  return counts.reduce((sum, count) => sum + count, 0);
}

async function deletePath(path: string): Promise<void> {
  const { status, text } = await account.send(chaos.urls[0], 'DELETE', path);
  expect([status, text]).toEqual([204, '']);
}

describe.each(['source', 'project'] as const)('a %s that is deleted in the middle of its crawl', (what) => {
  it('is gone with all of its rows within 5 s, and nothing comes back', async () => {
    await open();
    const going = recordRecovery(`${what} deleted in the middle of its crawl -> no row of it left`);
    const { crawl } = await catchVisits(SOME_PAGES)(chaos, account, site);
    const before = await countIndexed(chaos, crawl.sourceId);
    expect(before.documents).toBeGreaterThanOrEqual(SOME_PAGES);
    await deletePath(what === 'source' ? `${account.project}/sources/${crawl.sourceId}` : account.project);
    const deletedAt = performance.now();
    await eventually('all rows to be gone', async () =>
      (await countLeft(crawl.sourceId)) === 0 ? true : null,
    );
    expect(going.add(deletedAt)).toBeLessThan(GONE_MS);
    going.print();
    // The visits in hand get their pages after all.
    await letGo();
    expect(await chaos.findBroken()).toEqual([]);
    expect(await countLeft(crawl.sourceId)).toBe(0);
    const keys = await chaos.cluster.query(`select origin ->> 'fileKey' as key from sources`);
    const files = await listOrphanFiles(chaos.cluster.dataDir, new Set(keys.map(({ key }) => String(key))));
    expect(files).toEqual([]);
    if (what === 'source') return;
    const projectId = account.project.split('/').at(-1);
    for (const table of ['sources', 'source_pages', 'documents', 'document_chunks', 'embeddings', 'jobs'])
      expect([table, await countRows(chaos.cluster, `${table} where project_id = $1`, [projectId])]).toEqual([
        table,
        0,
      ]);
  });
});

async function deleteDocumentOf(crawl: Crawl, path: string): Promise<void> {
  const [row] = await chaos.cluster.query('select id from documents where source_id = $1 and key = $2', [
    crawl.sourceId,
    new URL(path, site.url).href,
  ]);
  const { id } = z.object({ id: z.string() }).parse(row);
  await deletePath(`${account.project}/documents/${id}`);
}

/** A crawl that has ended once, and now has one visit under way, the last of its second run. */
async function catchLastVisit(): Promise<Crawl> {
  const crawl = await addCrawl(chaos, account, site);
  await crawl.whenEnded();
  site.setEdition('It has a new anchor.');
  site.hold(async (path) => path === LAST_PAGE && (await crawl.isVisiting()));
  await crawl.sync();
  await eventually('all other pages to have ended', async () =>
    site.held().length === 1 && (await crawl.countPages(`status = 'queued'`)) === 1 ? true : null,
  );
  return crawl;
}

describe('a document that is deleted while its page is visited anew', () => {
  it('stays deleted, and the run ends, though no other visit is left', async () => {
    await open();
    const crawl = await catchLastVisit();
    await deleteDocumentOf(crawl, LAST_PAGE);
    await letGo();
    const source = await crawl.whenEnded();
    expect(source).toMatchObject({ status: 'ready', documentCount: PAGES - 1, chunkCount: PAGES - 1 });
    expect(await crawl.countPages(`status = 'skipped' and reason = 'deleted'`)).toBe(1);
    expect(await crawl.countPages(`status = 'indexed'`)).toBe(PAGES - 1);
    expect(await chaos.findBroken()).toEqual([]);
    // Nor does a later run bring it back.
    await crawl.sync();
    expect(await crawl.whenEnded()).toMatchObject({ status: 'ready', documentCount: PAGES - 1 });
    expect(await crawl.countPages(`status = 'skipped' and reason = 'deleted'`)).toBe(1);
    expect(await chaos.findBroken()).toEqual([]);
  });

  it('stays deleted where its page is being embedded, in its first run', async () => {
    await open();
    const crawl = await addCrawl(chaos, account, site);
    site.hold(async (path) => path === LAST_PAGE && (await crawl.isVisiting()));
    await eventually('all other pages to have ended', async () =>
      site.held().length === 1 && (await crawl.countPages(`status = 'queued'`)) === 1 ? true : null,
    );
    const callsBefore = chaos.countCalls('embeddings');
    chaos.hangEmbeddings(true);
    await letGo();
    await eventually('embeddings to be asked for', () =>
      chaos.countCalls('embeddings') > callsBefore ? true : null,
    );
    await deleteDocumentOf(crawl, LAST_PAGE);
    const worker = await chaos.findCaller('embeddings');
    chaos.hangEmbeddings(false);
    // The attempt that waits for its embeddings is given up; the next finds that nobody wants the page.
    await worker.restart('SIGKILL');
    expect(await crawl.whenEnded()).toMatchObject({ status: 'ready', documentCount: PAGES - 1 });
    expect(await crawl.countPages(`status = 'skipped' and reason = 'deleted'`)).toBe(1);
    expect(await chaos.findBroken()).toEqual([]);
  });
});

it('keeps what was indexed of a page whose visit ends after its run was given up', async () => {
  await open(FAILURES_THAT_END_A_RUN + SOME_PAGES);
  const pages = site.paths.length;
  const crawl = await addCrawl(chaos, account, site);
  await crawl.whenEnded();
  site.setEdition('It has a new rudder.');
  site.hold(async (path) => path === EARLY_PAGE && (await crawl.isVisiting()));
  await crawl.sync();
  await eventually('the page to be visited', () => (site.held().length === 1 ? true : null));
  site.setStatus(0);
  expect(await crawl.whenEnded()).toMatchObject({ status: 'ready', documentCount: pages });
  site.setStatus(200);
  await letGo();
  await eventually('the visit to end', async () => ((await crawl.countJobs()) === 0 ? true : null));
  expect((await countIndexed(chaos, crawl.sourceId)).documents).toBe(pages);
  expect(await chaos.findBroken()).toEqual([]);
});
