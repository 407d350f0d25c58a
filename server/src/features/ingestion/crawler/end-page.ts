import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { type MoreCounts, NO_COUNTS, addCounts } from '../sync-counts.js';
import { addLinks, mostPageRows } from './add-links.js';
import { finishRun } from './finish-run.js';
import {
  type PageChanges,
  type PageRow,
  type SourceRow,
  deletePageDocument,
  updatePage,
  updateRun,
} from './pages.queries.js';
import { planVisits } from './plan-visits.js';
import type { SiteRules } from './visit-page.js';

/** After as many visits in a row that nobody answered, the site is away, and the rest of it waits for the next run. */
const FAILURES_THAT_END_A_RUN = 25;

export interface PageEnd {
  changes: PageChanges & { status: Exclude<PageRow['status'], 'queued'> };
  /** What it adds to the counts of the run. */
  counts: MoreCounts;
  links: readonly string[];
  /** Null: no links are followed. */
  rules: SiteRules | null;
  /** The page stands for nothing any more: what was indexed of it goes. */
  isRetired: boolean;
  isFetched: boolean;
  /** The server did not answer, or said that it cannot. */
  isServerAway: boolean;
  /** The account has no room for pages that are new. */
  isFull: boolean;
}

/**
 * Writes how a page ended, puts its links on the frontier, and plans what comes next: more visits, or the end of the
 * run. All in the transaction of whoever holds the lock on the source's row, so that the last page ends the run.
 */
export async function endPage(
  tx: Context,
  scope: ProjectScope,
  page: { source: SourceRow; row: Pick<PageRow, 'id' | 'key' | 'depth'>; jobId: string },
  end: PageEnd,
): Promise<void> {
  const { source, row } = page;
  await updatePage(tx.db, scope, row.id, { reason: null, detail: null, ...end.changes });
  const isGone =
    end.isRetired && (await deletePageDocument(tx.db, scope, { sourceId: source.id, key: row.key }));
  const added = await followLinks(tx, scope, page, end);
  const counts = addCounts(source.counts ?? NO_COUNTS, {
    ...end.counts,
    gone: (end.counts.gone ?? 0) + (isGone ? 1 : 0),
    skipped: (end.counts.skipped ?? 0) + added.skipped,
  });
  const { progress } = source;
  const after: SourceRow = {
    ...source,
    counts,
    crawl: source.crawl && {
      ...source.crawl,
      fetched: source.crawl.fetched + (end.isFetched ? 1 : 0),
      dropped: source.crawl.dropped + added.dropped,
      failuresInARow: end.isServerAway ? source.crawl.failuresInARow + 1 : 0,
      isFull: source.crawl.isFull === true || end.isFull,
    },
    progress: {
      stage: 'crawling',
      done: progress.done + 1 + added.skipped,
      total: progress.total + added.skipped + added.queued,
    },
  };
  await updateRun(tx.db, scope, source.id, {
    counts: after.counts,
    crawl: after.crawl,
    progress: after.progress,
  });
  const isSiteAway = (after.crawl?.failuresInARow ?? 0) >= FAILURES_THAT_END_A_RUN;
  const { planned, underWay } = isSiteAway
    ? { planned: 0, underWay: 0 }
    : await planVisits(tx, scope, after, page.jobId);
  if (planned + underWay === 0) await finishRun(tx, scope, after, { jobId: page.jobId, isSiteAway });
}

async function followLinks(
  tx: Context,
  scope: ProjectScope,
  { source, row }: { source: SourceRow; row: Pick<PageRow, 'depth'> },
  { links, rules }: PageEnd,
): Promise<{ queued: number; skipped: number; dropped: number }> {
  const crawl = source.origin.type === 'url' ? source.origin.crawl : null;
  if (rules === null || crawl == null || links.length === 0) return { queued: 0, skipped: 0, dropped: 0 };
  return addLinks(tx, scope, {
    sourceId: source.id,
    sync: source.sync,
    links,
    depth: row.depth + 1,
    maxDepth: crawl.maxDepth,
    room: mostPageRows(crawl) - source.progress.total,
    rules,
  });
}
