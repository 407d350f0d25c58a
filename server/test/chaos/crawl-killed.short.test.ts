import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Chaos, startChaos } from './chaos-cluster.js';
import { catchVisits, countIndexed } from './crawl-stages.js';
import { type GatedSite, startGatedSite } from './gated-site.js';

const PAGES = 20;
const SOME_PAGES = 5;

let chaos: Chaos;
let site: GatedSite;

beforeAll(async () => {
  site = await startGatedSite('ferryx', PAGES);
  chaos = await startChaos({ apis: 1 });
});
afterAll(async () => {
  await chaos.close();
  await site.close();
});

it('ends a crawl, with each page once, whose worker is killed in its middle', async () => {
  const { crawl, worker, release } = await catchVisits(SOME_PAGES)(chaos, chaos.accounts[0], site);
  await worker.end('SIGKILL');
  await release();
  expect(await crawl.whenEnded()).toMatchObject({
    status: 'ready',
    documentCount: PAGES,
    lastSync: { added: PAGES, changed: 0, gone: 0, unchanged: 0, skipped: 0, failed: 0 },
  });
  const once = { documents: PAGES, chunks: PAGES, embeddings: PAGES, segments: PAGES };
  expect(await countIndexed(chaos, crawl.sourceId)).toEqual(once);
  expect(await chaos.findBroken()).toEqual([]);
});
