import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { catchVisits } from './crawl-stages.js';
import { type Crawl, addCrawl } from './crawls.js';
import { type GatedSite, startGatedSite, subjectOf } from './gated-site.js';
import { recordRecovery } from './recovery-times.js';

const PAGES = 120;
const SOME_PAGES = 30;
/** 25 visits of three attempts each, six at once, with their pauses. */
const GIVEN_UP_MS = 240_000;

let chaos: Chaos;
let site: GatedSite;
let sites = 0;

beforeAll(async () => {
  chaos = await startChaos({ apis: 1 });
});
afterAll(() => chaos.close());
afterEach(() => site.close());

const ways: { name: string; leave: () => Promise<void> | void; comeBack: () => Promise<void> | void }[] = [
  { name: 'refuses connections', leave: () => site.stop(), comeBack: () => site.start() },
  { name: 'answers 503', leave: () => site.setStatus(503), comeBack: () => site.setStatus(200) },
];

async function findInSearch(path: string, name: string): Promise<string[]> {
  const [account] = chaos.accounts;
  const body = { query: `${subjectOf(name, path)} berth` };
  const reply = await account.send(chaos.urls[0], 'POST', `${account.project}/search`, { body });
  const { results } = z
    .object({ results: z.array(z.object({ url: z.string().nullable() })) })
    .parse(reply.json());
  return results.flatMap(({ url }) => url ?? []);
}

/** Pages without a document that do not say why. */
function countUnexplained(crawl: Crawl): Promise<number> {
  return crawl.countPages(`(status = 'queued' or (status in ('failed', 'skipped') and reason is null))`);
}

describe.each(ways)('a site that in the middle of its crawl $name', ({ name: way, leave, comeBack }) => {
  it('ends the run by itself, with a reason on every page, and what was indexed is found', async () => {
    const name = `wreck${(sites += 1)}x`;
    site = await startGatedSite(name, PAGES);
    const [account] = chaos.accounts;
    const ending = recordRecovery(`site ${way} -> run ended`);
    const { crawl, release } = await catchVisits(SOME_PAGES)(chaos, account, site);
    await leave();
    const leftAt = performance.now();
    await release();
    const source = await crawl.whenEnded(GIVEN_UP_MS);
    ending.add(leftAt);
    ending.print();
    const indexed = await crawl.countPages(`status = 'indexed'`);
    expect(indexed).toBeGreaterThanOrEqual(SOME_PAGES - 1);
    expect(source).toMatchObject({ status: 'ready', documentCount: indexed, chunkCount: indexed });
    expect(await countUnexplained(crawl)).toBe(0);
    expect(await crawl.countPages(`status = 'failed'`)).toBe(PAGES - indexed);
    const [row] = await chaos.cluster.query(
      `select key from source_pages where source_id = $1 and status = 'indexed' and depth = 1 limit 1`,
      [crawl.sourceId],
    );
    const key = String(row?.['key']);
    expect(await findInSearch(new URL(key).pathname, name)).toContain(key);
    expect(await chaos.findBroken()).toEqual([]);

    // The next run does what is left, and leaves alone what is there.
    await comeBack();
    await crawl.sync();
    expect(await crawl.whenEnded(GIVEN_UP_MS)).toMatchObject({
      status: 'ready',
      documentCount: PAGES,
      lastSync: { added: PAGES - indexed, unchanged: indexed, changed: 0, gone: 0, skipped: 0, failed: 0 },
    });
    expect(await chaos.findBroken()).toEqual([]);
  });

  it('before a sync, keeps all that was indexed', async () => {
    const name = `hulk${(sites += 1)}x`;
    site = await startGatedSite(name, SOME_PAGES);
    const [account] = chaos.accounts;
    const crawl = await addCrawl(chaos, account, site);
    await crawl.whenEnded();
    site.setEdition('It has a new flag.');
    await leave();
    await crawl.sync();
    const source = await crawl.whenEnded(GIVEN_UP_MS);
    expect(source).toMatchObject({ documentCount: SOME_PAGES, chunkCount: SOME_PAGES });
    expect(await countUnexplained(crawl)).toBe(0);
    const documents = 'documents where source_id = $1 and live_version > 0';
    expect(await countRows(chaos.cluster, documents, [crawl.sourceId])).toBe(SOME_PAGES);
    const key = new URL('/page/3', site.url).href;
    expect(await findInSearch('/page/3', name)).toContain(key);
    await comeBack();
    expect(await chaos.findBroken()).toEqual([]);
  });
});
