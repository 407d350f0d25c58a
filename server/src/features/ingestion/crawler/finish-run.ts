import type { SourceFailure } from '#db/schema/sources.js';
import type { SourceErrorReason } from '#kernel/source-error.js';
import type { Context } from '#platform/context.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import { type ProjectScope, systemCaller } from '#platform/scope.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { ingestDedupeKey, ingestSourceJob } from '../ingestion.jobs.js';
import { markSourceEnded, markSourceReady } from '../ingestion.queries.js';
import { nextSyncAfter } from '#kernel/sync-interval.js';
import { NO_COUNTS, addCounts } from '../sync-counts.js';
import {
  deleteUnlistedDocuments,
  endQueuedPages,
  findSourceYield,
  requeueOrphans,
} from './frontier.queries.js';
import { type SourceRow, updateRun } from './pages.queries.js';
import { isSinglePage, planVisits } from './plan-visits.js';

const SITE_AWAY =
  'The site stopped answering, so the rest of it was not visited. What was indexed of it before is kept; sync again later.';

const ACCOUNT_FULL =
  'The account has no place left for pages that are new. Delete pages or sources that are not needed, or take a larger plan or an add-on; then sync the source again.';

/**
 * Ends a run that has no more visits: what lay beyond the limit says so, pages whose other version is not indexed
 * are visited after all, and what no page stands for is retired. A source of which nothing could be indexed fails with
 * the reason of its first page.
 */
export async function finishRun(
  tx: Context,
  scope: ProjectScope,
  source: SourceRow,
  visit: { jobId: string; isSiteAway: boolean },
): Promise<void> {
  const isFull = source.crawl?.isFull === true;
  if (!visit.isSiteAway && !isFull && !isSinglePage(source)) {
    const { db } = tx;
    const orphans = await requeueOrphans(db, scope, { sourceId: source.id, limit: maxPagesOf(source) });
    if (orphans > 0) {
      const again = takeBack(source, orphans);
      await updateRun(db, scope, source.id, { counts: again.counts, progress: again.progress });
      const { planned } = await planVisits(tx, scope, again, visit.jobId);
      if (planned > 0) return;
    }
  }
  const left = await endQueuedPages(tx.db, scope, source.id, endOfThoseLeft(visit, isFull));
  const gone = await deleteUnlistedDocuments(tx.db, scope, source.id);
  const counts = addCounts(source.counts ?? NO_COUNTS, {
    gone,
    [visit.isSiteAway ? 'failed' : 'skipped']: left,
  });
  const { documentCount, reason, detail } = await findSourceYield(tx.db, scope, source.id);
  const failure = documentCount > 0 ? null : failureOf(reason, detail);
  await endSource(tx, scope, source, { counts, failure });
}

/** Writes that a run has ended, whatever its kind of source. A run that was asked for meanwhile begins. */
export async function endSource(
  tx: Context,
  scope: ProjectScope,
  source: SourceRow,
  { counts, failure }: { counts: NonNullable<SourceRow['counts']>; failure: SourceFailure | null },
): Promise<void> {
  const now = tx.clock.now();
  const { total } = source.progress;
  const run = {
    lastSync: counts,
    nextSyncAt: nextSyncAfter(source.syncEvery, now),
    syncPhase: null,
    isSyncWanted: false,
    counts: null,
  };
  if (failure === null) {
    const progress = { stage: 'done', done: total, total } as const;
    await markSourceReady(tx.db, scope, source.id, { ...run, lastSyncedAt: now, progress });
  } else {
    await markSourceEnded(tx.db, scope, source.id, { ...run, status: 'failed', error: failure });
  }
  await recordAudit(tx, systemCaller, {
    projectId: scope.projectId,
    action: failure === null ? 'source.index' : 'source.failed',
    resourceType: 'source',
    resourceId: source.id,
    changes: failure === null ? { ...counts } : { reason: failure.code },
  });
  if (!source.isSyncWanted) return;
  await enqueueJob(tx, ingestSourceJob, {
    projectId: scope.projectId,
    payload: { projectId: scope.projectId, sourceId: source.id },
    dedupeKey: ingestDedupeKey(source.id),
  });
}

function endOfThoseLeft({ isSiteAway }: { isSiteAway: boolean }, isFull: boolean) {
  if (isSiteAway) return { status: 'failed', reason: 'fetch_failed', detail: SITE_AWAY } as const;
  if (isFull) return { status: 'skipped', reason: 'usage_limit', detail: ACCOUNT_FULL } as const;
  return { status: 'skipped', reason: 'page_limit', detail: null } as const;
}

function takeBack(source: SourceRow, pages: number): SourceRow {
  const { progress } = source;
  return {
    ...source,
    counts: addCounts(source.counts ?? NO_COUNTS, { skipped: -pages }),
    progress: { ...progress, done: Math.max(0, progress.done - pages) },
  };
}

function maxPagesOf({ origin }: SourceRow): number {
  return origin.type === 'url' ? (origin.crawl?.maxPages ?? 1) : 1;
}

function failureOf(reason: string | null, detail: string | null): SourceFailure {
  const code = (reason ?? 'empty') as SourceErrorReason;
  return { code, message: MESSAGES[code] ?? detail ?? 'Nothing on it could be indexed: its pages say why.' };
}

/** Where the reason of the first page is that of the source, in words for its owner. */
const MESSAGES: Partial<Record<SourceErrorReason, string>> = {
  robots:
    'The robots.txt of the site does not allow its pages to be read, or could not be read itself. ' +
    'Allow the user agent Botbase there, or add the pages as files.',
  noindex:
    'The page says that it must not be indexed (noindex). Change that, or add its text as a text source.',
  redirected: 'The address leads to another site. Use the address where it ends up.',
  out_of_scope: 'No page is within the scope of the crawl. Check its include and exclude patterns.',
  soft_404: 'The site says that there is no such page. Check the address.',
};
