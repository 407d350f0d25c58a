import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { countRows } from './chaos-cluster.js';
import { catchVisits, countIndexed } from './crawl-stages.js';
import { type Crawl, countEmbeddedAgain } from './crawls.js';
import { type GatedSite, startGatedSite } from './gated-site.js';
import { recordRecovery } from './recovery-times.js';
import { type ChaosOnRedis, startChaosOnRedis } from './service-faults.js';

const PAGES = 60;
const SOME_PAGES = 20;
const ENDED_MS = 120_000;
const PAGES_WHILE_AWAY = 10;

let chaos: ChaosOnRedis;
let site: GatedSite;
let sites = 0;

beforeAll(async () => {
  chaos = await startChaosOnRedis({ apis: 1 });
});
afterAll(() => chaos.close());
afterEach(() => site.close());

async function catchCrawl() {
  const name = `junk${(sites += 1)}x`;
  site = await startGatedSite(name, PAGES);
  const [account] = chaos.accounts;
  return { name, ...(await catchVisits(SOME_PAGES)(chaos, account, site)) };
}

async function expectOnce(crawl: Crawl, name: string): Promise<void> {
  expect(await crawl.whenEnded(ENDED_MS)).toMatchObject({
    status: 'ready',
    documentCount: PAGES,
    lastSync: { added: PAGES, changed: 0, gone: 0, unchanged: 0, skipped: 0, failed: 0 },
  });
  expect(await crawl.countPages(`status = 'indexed'`)).toBe(PAGES);
  expect(await countIndexed(chaos, crawl.sourceId)).toEqual({
    documents: PAGES,
    chunks: PAGES,
    embeddings: PAGES,
    segments: PAGES,
  });
  expect(countEmbeddedAgain(chaos, name)).toBe(0);
  // Each page once, besides those that the survey looked at.
  const visits = site.paths.slice(1).map((path) => site.visits.filter((visit) => visit.path === path).length);
  expect(Math.max(...visits)).toBeLessThanOrEqual(2);
  expect(await chaos.findBroken()).toEqual([]);
}

it('ends, with each page once, when Redis is emptied in its middle', async () => {
  const { crawl, name, release } = await catchCrawl();
  const recovery = recordRecovery('FLUSHALL in the middle of a crawl -> run ended');
  await chaos.redis.server.command('FLUSHALL');
  const flushedAt = performance.now();
  await release();
  await crawl.whenEnded(ENDED_MS);
  recovery.add(flushedAt);
  recovery.print();
  await expectOnce(crawl, name);
});

it('goes on while Redis is away, and ends with each page once', async () => {
  const { crawl, name, release } = await catchCrawl();
  const recovery = recordRecovery('Redis stopped in the middle of a crawl -> pages go on');
  await chaos.redis.server.stop();
  const stoppedAt = performance.now();
  const before = await crawl.countPages(`status = 'indexed'`);
  await release();
  await eventually(
    'pages to be indexed without Redis',
    async () => ((await crawl.countPages(`status = 'indexed'`)) >= before + PAGES_WHILE_AWAY ? true : null),
    ENDED_MS,
  );
  recovery.add(stoppedAt);
  recovery.print();
  await chaos.redis.server.start();
  await expectOnce(crawl, name);
  expect(await countRows(chaos.cluster, `jobs where status = 'failed'`)).toBe(0);
});
