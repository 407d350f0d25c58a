import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type Chaos, startChaos } from './chaos-cluster.js';
import { countIndexed, crawlStages } from './crawl-stages.js';
import { countEmbeddedAgain } from './crawls.js';
import { type GatedSite, startGatedSite } from './gated-site.js';
import { recordRecovery } from './recovery-times.js';

const PAGES = 60;
/** A lease of 10 s, the moment until somebody looks, and the visits that are left; below that of the watchdog. */
const ENDED_MS = 100_000;
/** What the visits in hand of a worker may have asked for. */
const EMBEDDED_AGAIN = 4;

let chaos: Chaos;
let site: GatedSite;
let sites = 0;

beforeAll(async () => {
  chaos = await startChaos({ apis: 1 });
});
afterAll(() => chaos.close());
afterEach(() => site.close());

const kills: { whose: string; areAll: boolean }[] = [
  { whose: 'the worker that is at it', areAll: false },
  { whose: 'all workers', areAll: true },
];

describe.each(kills)('a crawl during which $whose is killed', ({ whose, areAll }) => {
  it.each(crawlStages)('at the stage: $stage, ends by itself, with each page once', async (given) => {
    const { stage, catchCrawl, runs } = given;
    const name = `fleet${(sites += 1)}x`;
    site = await startGatedSite(name, PAGES);
    const recovery = recordRecovery(`${whose} killed at "${stage}" -> run ended`);
    const { cluster, accounts } = chaos;
    const { crawl, worker, release } = await catchCrawl(chaos, accounts[0], site);
    const workers = cluster.nodes.filter((node) => node === worker || (areAll && node.role === 'worker'));
    await Promise.all(workers.map((node) => node.end('SIGKILL')));
    const killedAt = performance.now();
    await release();
    await Promise.all(workers.map((node) => node.start()));
    const source = await crawl.whenEnded(ENDED_MS);
    recovery.add(killedAt);
    recovery.print();
    const changed = runs === 1 ? { added: PAGES, changed: 0 } : { added: 0, changed: PAGES };
    expect(source).toMatchObject({
      status: 'ready',
      documentCount: PAGES,
      chunkCount: PAGES,
      lastSync: { ...changed, gone: 0, unchanged: 0, skipped: 0, failed: 0 },
    });
    expect(await crawl.countPages(`status = 'indexed' and sync = ${runs}`)).toBe(PAGES);
    expect(await crawl.countPages('true')).toBe(PAGES);
    expect(await countIndexed(chaos, crawl.sourceId)).toEqual({
      documents: PAGES,
      chunks: PAGES,
      embeddings: PAGES,
      segments: PAGES,
    });
    expect(countEmbeddedAgain(chaos, name)).toBeLessThanOrEqual(EMBEDDED_AGAIN * workers.length);
    await eventually('its jobs to end', async () => ((await crawl.countJobs()) === 0 ? true : null));
    expect(await chaos.findBroken()).toEqual([]);
  });
});
