import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { eventually } from '../eventually.js';
import type { Account } from './chaos-account.js';
import { type Chaos, startChaos } from './chaos-cluster.js';
import { type Crawl, addCrawl } from './crawls.js';
import { type GatedSite, startGatedSite } from './gated-site.js';
import { note, recordRecovery } from './recovery-times.js';

const PAGES = 3_000;
const SOME_PAGES = 50;
/** What six places visit while B's page waits for one twice: for its source's job, and for its own. */
const HANDFUL = 24;
/** What a page that nobody answers takes at most, were B to wait for it. */
const FETCH_TIMEOUT_MS = 20_000;
const UNDER_WAY_MS = 200_000;

let chaos: Chaos;
const sites: GatedSite[] = [];
/** Of tenant A. */
const crawls: Crawl[] = [];

beforeAll(async () => {
  chaos = await startChaos({ apis: 1 });
});
afterAll(() => chaos.close());
afterEach(async () => {
  for (const { sourceId } of crawls.splice(0)) await deleteCrawl(sourceId);
  for (const site of sites.splice(0)) await site.close();
  const broken = await chaos.findBroken();
  if (broken.length > 0) throw new Error(broken.join('\n'));
});

async function deleteCrawl(sourceId: string): Promise<void> {
  const [a] = chaos.accounts;
  await a.send(chaos.urls[0], 'DELETE', `${a.project}/sources/${sourceId}`);
  a.accepted.sourceIds.splice(a.accepted.sourceIds.indexOf(sourceId), 1);
}

async function open(name: string, pages: number): Promise<GatedSite> {
  const site = await startGatedSite(name, pages);
  sites.push(site);
  return site;
}

/** Adds one page of the site and one text, and waits until both are ready. */
async function addPageAndText(account: Account, site: GatedSite): Promise<void> {
  const [url] = chaos.urls;
  const body = { type: 'url', url: site.url };
  const reply = await account.send(url, 'POST', `${account.project}/sources`, { body });
  const pageId = z.object({ id: z.string() }).parse(reply.json()).id;
  account.accepted.sourceIds.push(pageId);
  const textId = await account.addText(url, 'Lighthouse', 'The lighthouse has been lit since 1811.');
  await eventually(
    'the page and the text of the other tenant',
    async () => {
      const statuses = await Promise.all([pageId, textId].map((id) => account.findStatus(url, id)));
      return statuses.every((status) => status === 'ready') ? true : null;
    },
    2 * FETCH_TIMEOUT_MS,
  );
}

it('serves another tenant within a few of the visits of a crawl of 3,000 pages', async () => {
  const [a, b] = chaos.accounts;
  const large = await open('armada1x', PAGES);
  const small = await open('dinghy1x', 1);
  const crawl = await addCrawl(chaos, a, large);
  crawls.push(crawl);
  await eventually(
    'the crawl to be well under way',
    async () => ((await crawl.countPages(`status <> 'queued'`)) >= SOME_PAGES ? true : null),
    UNDER_WAY_MS,
  );
  const serving = recordRecovery('page and text of B added, while A crawls 3,000 quick pages -> both ready');
  const visitsBefore = large.visits.length;
  const meanwhile: number[] = [];
  small.hold(() => {
    meanwhile.push(large.visits.length - visitsBefore);
    return false;
  });
  const addedAt = performance.now();
  await addPageAndText(b, small);
  serving.add(addedAt);
  serving.print();
  const [untilFetched = Number.NaN] = meanwhile;
  const untilReady = large.visits.length - visitsBefore;
  note(`visits of A's site until B's page was fetched: ${untilFetched}, until all was ready: ${untilReady}`);
  expect(await a.findStatus(chaos.urls[0], crawl.sourceId)).toBe('processing');
  expect(untilFetched).toBeLessThanOrEqual(HANDFUL);
});

async function measureBesideDeadSites(count: number): Promise<number> {
  const [a, b] = chaos.accounts;
  const small = await open(`dinghy2x${count}`, 1);
  const dead: GatedSite[] = [];
  for (let index = 0; index < count; index += 1) {
    const site = await open(`raft${count}y${index}x`, SOME_PAGES);
    const crawl = await addCrawl(chaos, a, site);
    site.hold(async (path) => path !== '/' && (await crawl.isVisiting()));
    crawls.push(crawl);
    dead.push(site);
  }
  for (const site of dead) await eventually('visits to wait', () => (site.held().length > 0 ? true : null));
  const serving = recordRecovery(
    `page and text of B added, while A crawls ${count} dead sites -> both ready`,
  );
  const addedAt = performance.now();
  await addPageAndText(b, small);
  const waitedMs = serving.add(addedAt);
  serving.print();
  return waitedMs;
}

it('serves another tenant while one crawls a site that does not answer', async () => {
  expect(await measureBesideDeadSites(1)).toBeLessThan(FETCH_TIMEOUT_MS / 2);
});

it('serves another tenant while one crawls two sites that do not answer', async () => {
  expect(await measureBesideDeadSites(2)).toBeLessThan(FETCH_TIMEOUT_MS / 2);
});
