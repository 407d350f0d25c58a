import type { Context } from '#platform/context.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import type { ProjectScope } from '#platform/scope.js';
import { ingestPageJob, pageDedupeKey } from '../ingestion.jobs.js';
import { reserveVisits } from './crawl-hosts.queries.js';
import { countVisits, listFrontier } from './frontier.queries.js';
import type { SourceRow } from './pages.queries.js';

/** Jobs of one source that are queued or running at once: there is never a long line of them before somebody else's. */
const VISITS_PER_SOURCE = 6;
/** Of all sources of a project together; beyond, each source keeps one. */
const VISITS_PER_PROJECT = 12;
/** Where a host wants a distance between visits, no more are planned ahead. */
const SPACED_VISITS = 2;
/** For pages whose visit comes to nothing (doubles, redirects): so many more are fetched, and no more. */
const FETCHES_PER_PAGE = 3;
const LEAST_FETCHES = 100;
/** A page that somebody asked for by itself goes before those of crawls. */
const SINGLE_PAGE_PRIORITY = 10;

export interface PlannedVisits {
  planned: number;
  /** Other visits of the source that are still under way. */
  underWay: number;
}

/**
 * Makes jobs for the next pages of a source, as many as there is room for. To be called by whoever holds the lock on
 * the source's row. @param ownJobId of a visit that ends with this transaction
 */
export async function planVisits(
  tx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  source: SourceRow,
  ownJobId: string,
): Promise<PlannedVisits> {
  const { projectId } = scope;
  const { ofProject, ofSource } = await countVisits(tx.db, scope, {
    jobType: ingestPageJob.type,
    sourceId: source.id,
    exceptJobId: ownJobId,
  });
  const room = Math.min(
    (delayOf(source) > 0 ? SPACED_VISITS : VISITS_PER_SOURCE) - ofSource,
    Math.max(VISITS_PER_PROJECT - ofProject, ofSource === 0 ? 1 : 0),
    pagesLeft(source) - ofSource,
  );
  if (room <= 0) return { planned: 0, underWay: ofSource };
  const pages = await listFrontier(tx.db, scope, {
    sourceId: source.id,
    jobKeyPrefix: pageDedupeKey(source.id, ''),
    exceptJobId: ownJobId,
    limit: room,
    isOfDocuments: source.crawl?.isFull === true,
  });
  const firstAt = await firstVisitAt(tx, source, pages);
  for (const [index, page] of pages.entries()) {
    await enqueueJob(tx, ingestPageJob, {
      projectId,
      payload: { projectId, sourceId: source.id, pageId: page.id },
      dedupeKey: pageDedupeKey(source.id, page.id),
      runAt: new Date(firstAt.getTime() + index * delayOf(source)),
      ...(isSinglePage(source) ? { priority: SINGLE_PAGE_PRIORITY } : {}),
    });
  }
  return { planned: pages.length, underWay: ofSource };
}

export function isSinglePage({ origin }: Pick<SourceRow, 'origin'>): boolean {
  return origin.type !== 'url' || origin.crawl == null;
}

/** How many more pages the run may index, or try to. */
function pagesLeft({ origin, crawl, counts }: SourceRow): number {
  const maxPages = origin.type === 'url' ? (origin.crawl?.maxPages ?? 1) : 1;
  const indexed = (counts?.added ?? 0) + (counts?.changed ?? 0) + (counts?.unchanged ?? 0);
  const fetches = LEAST_FETCHES + FETCHES_PER_PAGE * maxPages - (crawl?.fetched ?? 0);
  return Math.min(maxPages - indexed, fetches);
}

function delayOf({ crawl }: SourceRow): number {
  return crawl?.crawlDelayMs ?? 0;
}

async function firstVisitAt(
  tx: Pick<Context, 'db' | 'clock'>,
  source: SourceRow,
  pages: { key: string }[],
): Promise<Date> {
  const now = tx.clock.now();
  const [first] = pages;
  if (first === undefined || delayOf(source) === 0) return now;
  const { origin } = new URL(first.key);
  return reserveVisits(tx.db, { origin, count: pages.length, delayMs: delayOf(source), now });
}
