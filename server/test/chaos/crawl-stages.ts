import { eventually } from '../eventually.js';
import type { Account } from './chaos-account.js';
import { type Chaos, countRows } from './chaos-cluster.js';
import { type Crawl, addCrawl } from './crawls.js';
import type { GatedSite } from './gated-site.js';
import { gateRows } from './row-gate.js';

/** A crawl that was caught at one stage, and a process that is at it. */
interface CaughtCrawl {
  crawl: Crawl;
  worker: ReturnType<Chaos['cluster']['worker']>;
  /** Lets all go on. */
  release: () => Promise<void>;
}

type CatchCrawl = (chaos: Chaos, account: Account, site: GatedSite) => Promise<CaughtCrawl>;

/** Visits of one source at once. */
const VISITS_AT_ONCE = 6;
const SOME_PAGES = 20;
const FEW_PAGES = 12;
/** Pages are read by processes of low priority, which a machine with other work to do lets wait. */
const CAUGHT_MS = 150_000;

function letGo(site: GatedSite): void {
  site.hold(null);
  site.release();
}

async function whenHeld(site: GatedSite, count: number): Promise<void> {
  await eventually(`${count} visits to wait`, () => (site.held().length >= count ? true : null), CAUGHT_MS);
}

/** @throws Error where no visit waits */
async function findVisitor(chaos: Chaos, site: GatedSite): Promise<CaughtCrawl['worker']> {
  return chaos.findNode(site.held()[0]?.port ?? 0);
}

/** While the site is looked at before its pages are visited. */
const catchSurvey: CatchCrawl = async (chaos, account, site) => {
  site.hold((path) => path.startsWith('/page/'));
  const crawl = await addCrawl(chaos, account, site);
  await whenHeld(site, 1);
  return { crawl, worker: await findVisitor(chaos, site), release: async () => letGo(site) };
};

/** While visits are under way and other pages wait for theirs. */
export function catchVisits(endedPages: number): CatchCrawl {
  return async (chaos, account, site) => {
    const crawl = await addCrawl(chaos, account, site);
    site.hold(async (path) => path.startsWith('/page/') && (await crawl.isVisiting(endedPages)));
    await whenHeld(site, VISITS_AT_ONCE);
    return { crawl, worker: await findVisitor(chaos, site), release: async () => letGo(site) };
  };
}

/** When a page is published, and its job is not forgotten yet, while all others end. */
const catchForget: CatchCrawl = async (chaos, account, site) => {
  const { crawl } = await catchVisits(site.paths.length - FEW_PAGES)(chaos, account, site);
  const gate = await gateRows(chaos.cluster.databaseUrl, { table: 'jobs', event: 'delete', when: null });
  letGo(site);
  const worker = await chaos.findNode(await gate.whenWaited());
  await eventually(
    'all pages to end, and the jobs of the others',
    async () =>
      (await crawl.countPages(`status = 'queued'`)) === 0 && (await crawl.countJobs()) === 1 ? true : null,
    CAUGHT_MS,
  );
  return { crawl, worker, release: gate.open };
};

/** In the transaction that ends the last page, and with it the run. */
const catchLastEnd: CatchCrawl = async (chaos, account, site) => {
  const crawl = await addCrawl(chaos, account, site);
  const last = site.paths.at(-1) ?? '';
  site.hold(async (path) => path === last && (await crawl.isVisiting()));
  await eventually(
    'all but one to have ended',
    async () =>
      site.held().length === 1 && (await crawl.countPages(`status = 'queued'`)) === 1 ? true : null,
    CAUGHT_MS,
  );
  const gate = await gateRows(chaos.cluster.databaseUrl, {
    table: 'sources',
    event: 'update',
    when: `old.id = '${crawl.sourceId}' and new.status = 'ready'`,
  });
  letGo(site);
  return { crawl, worker: await chaos.findNode(await gate.whenWaited()), release: gate.open };
};

/** While the pages of the last run are put on the frontier of the next. */
const catchRequeue: CatchCrawl = async (chaos, account, site) => {
  const crawl = await addCrawl(chaos, account, site);
  await crawl.whenEnded();
  site.setEdition('It has a new mast.');
  const gate = await gateRows(chaos.cluster.databaseUrl, {
    table: 'source_pages',
    event: 'update',
    when: `old.source_id = '${crawl.sourceId}' and old.status <> 'queued' and new.status = 'queued'`,
  });
  await crawl.sync();
  return { crawl, worker: await chaos.findNode(await gate.whenWaited()), release: gate.open };
};

/** The stages of a crawl in their order, and the runs that it has had in the end. */
export const crawlStages: { stage: string; catchCrawl: CatchCrawl; runs: number }[] = [
  { stage: 'survey', catchCrawl: catchSurvey, runs: 1 },
  { stage: 'first visits, while other pages wait', catchCrawl: catchVisits(1), runs: 1 },
  { stage: 'visits in the middle', catchCrawl: catchVisits(SOME_PAGES), runs: 1 },
  { stage: 'a page published, its job still there', catchCrawl: catchForget, runs: 1 },
  { stage: 'end of the last page', catchCrawl: catchLastEnd, runs: 1 },
  { stage: 'pages put back by a sync', catchCrawl: catchRequeue, runs: 2 },
];

/** Rows that a crawl must have one of for each page. */
export async function countIndexed(chaos: Pick<Chaos, 'cluster'>, sourceId: string) {
  const count = (from: string) => countRows(chaos.cluster, from, [sourceId]);
  const ofSource = 'join documents on documents.id = document_id where source_id = $1';
  return {
    documents: await count('documents where source_id = $1 and live_version > 0'),
    chunks: await count(`document_chunks ${ofSource}`),
    embeddings: await count(`embeddings join document_chunks on document_chunks.id = chunk_id ${ofSource}`),
    segments: await count(`lexical_segments ${ofSource}`),
  };
}
