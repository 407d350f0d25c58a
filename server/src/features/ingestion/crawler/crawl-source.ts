import type { CrawlState } from '#db/schema/sources.js';
import { batches } from '#kernel/batches.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { RunningJob } from '#platform/jobs/define-job.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { NO_COUNTS, addCounts } from '../sync-counts.js';
import { addLinks, mostPageRows } from './add-links.js';
import { finishRun } from './finish-run.js';
import { countPages, deleteGonePages, requeuePages } from './frontier.queries.js';
import { normalizePageUrl } from './page-url.js';
import { type SourceRow, insertPages, lockSourceOrNull, updateRun } from './pages.queries.js';
import { planVisits } from './plan-visits.js';
import { type SiteSurvey, surveySite } from './survey-site.js';

/** Small enough that the one connection of the embedded database is never held for long. */
const PAGES_PER_STATEMENT = 1_000;
/** Addresses of sitemaps are put on the frontier as if the start linked to them. */
const MAPPED_DEPTH = 1;
/** A run asks a site anew for its rules, unless another run has just done so. */
const MAX_ROBOTS_AGE_MS = 60_000;

type UrlSource = SourceRow & { origin: Extract<SourceRow['origin'], { type: 'url' }> };

/**
 * Begins a run over the pages of a website, or takes up one that lost its worker: a survey of the site, the pages
 * of the last run on the frontier again, and then the first visits. Their jobs carry on from page to page.
 * @throws SourceError when the site cannot be reached
 */
export async function crawlSource(
  ctx: Context,
  scope: ProjectScope,
  job: RunningJob,
  source: UrlSource,
  signal: AbortSignal,
): Promise<void> {
  if (source.syncPhase === 'pages') {
    await carryOn(ctx, scope, job, source.id);
    return;
  }
  const sync = await beginRun(ctx, scope, job, source);
  const { crawl } = source.origin;
  const survey =
    crawl == null
      ? null
      : await surveySite(
          ctx,
          { url: source.origin.url, crawl, owner: scope.projectId, maxRobotsAgeMs: MAX_ROBOTS_AGE_MS },
          signal,
        );
  const startUrl = survey?.state.startUrl ?? normalizePageUrl(source.origin.url) ?? source.origin.url;
  await requeueKnownPages(ctx, scope, job, { sourceId: source.id, sync });
  const dropped = await addMappedPages(ctx, scope, job, { source, sync, survey });
  await inProjectTransaction(ctx, scope, async (tx) => {
    await job.fence(tx);
    const { projectId } = scope;
    const start = {
      id: newId(),
      projectId,
      sourceId: source.id,
      key: startUrl,
      url: startUrl,
      depth: 0,
      sync,
    };
    await insertPages(tx.db, scope, [start]);
    await startVisits(tx, scope, job, {
      sourceId: source.id,
      crawl: {
        startUrl,
        boilerplate: [],
        missingPage: null,
        crawlDelayMs: 0,
        ...survey?.state,
        fetched: 0,
        dropped,
        failuresInARow: 0,
      },
    });
  });
}

/** A run keeps its number until its survey is done, however many attempts that takes. */
function beginRun(ctx: Context, scope: ProjectScope, job: RunningJob, source: UrlSource): Promise<number> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    await job.fence(tx);
    const sync = source.syncPhase === 'survey' ? source.sync : source.sync + 1;
    await updateRun(tx.db, scope, source.id, {
      sync,
      syncPhase: 'survey',
      isSyncWanted: false,
      status: 'processing',
      error: null,
      progress: { stage: 'reading', done: 0, total: 1 },
    });
    return sync;
  });
}

async function requeueKnownPages(
  ctx: Context,
  scope: ProjectScope,
  job: RunningJob,
  run: { sourceId: string; sync: number },
): Promise<void> {
  for (let isFirst = true; ; isFirst = false) {
    const count = await inProjectTransaction(ctx, scope, async (tx) => {
      await job.fence(tx);
      if (isFirst) await deleteGonePages(tx.db, scope, run.sourceId);
      return requeuePages(tx.db, scope, { ...run, limit: PAGES_PER_STATEMENT });
    });
    if (count < PAGES_PER_STATEMENT) return;
  }
}

/** Puts the addresses of the site's maps on the frontier. @returns how many there was no room for */
async function addMappedPages(
  ctx: Context,
  scope: ProjectScope,
  job: RunningJob,
  { source, sync, survey }: { source: UrlSource; sync: number; survey: SiteSurvey | null },
): Promise<number> {
  const { crawl } = source.origin;
  if (survey === null || crawl == null) return 0;
  const room = mostPageRows(crawl);
  // The start has a row of its own, whatever the maps say.
  const links = survey.mapped.filter((url) => url !== survey.state.startUrl);
  for (const batch of batches(links.slice(0, room), PAGES_PER_STATEMENT)) {
    await inProjectTransaction(ctx, scope, async (tx) => {
      await job.fence(tx);
      await addLinks(tx, scope, {
        sourceId: source.id,
        sync,
        links: batch,
        depth: MAPPED_DEPTH,
        maxDepth: crawl.maxDepth,
        room: batch.length,
        rules: survey.rules,
      });
    });
  }
  return Math.max(0, links.length - room);
}

async function startVisits(
  tx: Context,
  scope: ProjectScope,
  job: RunningJob,
  run: { sourceId: string; crawl: CrawlState },
): Promise<void> {
  const source = await lockSourceOrNull(tx.db, scope, run.sourceId);
  if (source === null) return;
  const { total, queued, skipped } = await countPages(tx.db, scope, source.id);
  const started = {
    syncPhase: 'pages' as const,
    crawl: run.crawl,
    counts: addCounts(NO_COUNTS, { skipped }),
    progress: { stage: 'crawling' as const, done: total - queued, total },
  };
  await updateRun(tx.db, scope, source.id, started);
  await planOrFinish(tx, scope, job, { ...source, ...started });
}

/** For a run whose visits may have lost their jobs, or have ended without planning what comes next. */
export function carryOn(ctx: Context, scope: ProjectScope, job: RunningJob, sourceId: string): Promise<void> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    await job.fence(tx);
    const source = await lockSourceOrNull(tx.db, scope, sourceId);
    if (source?.syncPhase === 'pages') await planOrFinish(tx, scope, job, source);
  });
}

/** Plans the next visits of a run, and ends it where there are none. For whoever holds the lock on the source's row. */
export async function planOrFinish(
  tx: Context,
  scope: ProjectScope,
  job: Pick<RunningJob, 'id'>,
  source: SourceRow,
): Promise<void> {
  const { planned, underWay } = await planVisits(tx, scope, source, job.id);
  if (planned + underWay === 0) await finishRun(tx, scope, source, { jobId: job.id, isSiteAway: false });
}
