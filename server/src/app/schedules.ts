import { deleteExpiredIdempotencyKeys } from '#platform/http/idempotency.queries.js';
import { deleteOldJobs } from '#platform/jobs/delete-old-jobs.js';
import { deleteSilentProcesses } from '#platform/processes/processes.queries.js';
import { buildOnlineIndexes } from '#platform/online-indexes.js';
import type { ScheduledTask } from '#platform/schedule/scheduler.js';
import { deleteOldEntries } from '#features/audit/delete-old-entries.js';
import { sealAuditLog } from '#features/audit/seal-audit-log.js';
import { deleteExpiredTokens } from '#features/auth/delete-expired-tokens.js';
import { reportUsageDifferences } from '#features/usage/reconcile-usage.js';
import { beginPendingPlans, mendSubscriptions } from '#features/billing/mend-subscriptions.js';
import { reportUsage } from '#features/billing/report-usage.js';
import { closeAbandonedTurns } from '#features/usage/close-abandoned-turns.js';
import { expireCredits } from '#features/usage/expire-credits.js';
import { deleteOutdatedData } from '#features/data-rights/delete-outdated-data.js';
import { changeEmbeddingModels } from '#features/ingestion/embedding-models/change-embedding-model.js';
import { sweepUnseenVersions } from '#features/ingestion/sweep-unseen-versions.js';
import { deleteExpiredInvitations } from '#features/members/delete-expired-invitations.js';
import { fitVectorStorage } from '#features/retrieval/fit-vector-storage.js';
import { keepVectorIndexes } from '#features/retrieval/keep-vector-indexes.js';
import { calibrateChangedProjects } from '#features/retrieval/calibrate-threshold.js';
import { mergeAllSegments } from '#features/search-index/merge-segments.js';
import { rebuildAllSegments } from '#features/search-index/rebuild-segments.js';
import { sweepOrphanedFiles } from '#features/sources/sweep-orphaned-files.js';
import { syncDueSources } from '#features/sources/sync-due-sources.js';
import { requeueStuckSources } from '#features/sources/requeue-stuck-sources.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** All work that comes again, in one place. Workers run it. */
export const schedules: readonly ScheduledTask[] = [
  { name: 'close-abandoned-answers', everyMs: 5 * SECOND_MS, run: closeAbandonedTurns },
  { name: 'build-online-indexes', everyMs: HOUR_MS, run: buildOnlineIndexes },
  { name: 'keep-vector-indexes', everyMs: MINUTE_MS, run: (ctx, signal) => keepVectorIndexes(ctx, signal) },
  { name: 'fit-vector-storage', everyMs: 5 * MINUTE_MS, run: (ctx) => fitVectorStorage(ctx, 'external') },
  { name: 'requeue-stuck-sources', everyMs: MINUTE_MS, run: requeueStuckSources },
  { name: 'change-embedding-models', everyMs: MINUTE_MS, run: changeEmbeddingModels },
  { name: 'sync-due-sources', everyMs: 15 * SECOND_MS, run: syncDueSources },
  {
    name: 'delete-expired-idempotency-keys',
    everyMs: 10 * MINUTE_MS,
    run: (ctx) => deleteExpiredIdempotencyKeys(ctx.db, ctx.clock.now()),
  },
  { name: 'expire-credits', everyMs: HOUR_MS, run: expireCredits },
  { name: 'begin-pending-plans', everyMs: HOUR_MS, run: beginPendingPlans },
  { name: 'mend-subscriptions', everyMs: 24 * HOUR_MS, firstAfterMs: HOUR_MS, run: mendSubscriptions },
  // More often than by the night, as Stripe knows a day that is told twice for one day only.
  { name: 'report-usage-to-stripe', everyMs: 6 * HOUR_MS, firstAfterMs: HOUR_MS, run: reportUsage },
  { name: 'delete-outdated-data', everyMs: HOUR_MS, run: deleteOutdatedData },
  { name: 'delete-expired-tokens', everyMs: HOUR_MS, run: deleteExpiredTokens },
  { name: 'delete-expired-invitations', everyMs: HOUR_MS, run: deleteExpiredInvitations },
  {
    name: 'sweep-orphaned-files',
    everyMs: 6 * HOUR_MS,
    // Whoever has started on an empty or a wrong database by mistake has the time to see it.
    firstAfterMs: 6 * HOUR_MS,
    run: sweepOrphanedFiles,
  },
  { name: 'sweep-unseen-versions', everyMs: 6 * HOUR_MS, run: sweepUnseenVersions },
  { name: 'merge-index-segments', everyMs: 5 * MINUTE_MS, firstAfterMs: HOUR_MS, run: mergeAllSegments },
  { name: 'calibrate-thresholds', everyMs: 5 * MINUTE_MS, run: calibrateChangedProjects },
  { name: 'rebuild-index-segments', everyMs: 5 * MINUTE_MS, run: rebuildAllSegments },
  { name: 'delete-old-jobs', everyMs: HOUR_MS, run: deleteOldJobs },
  { name: 'seal-audit-log', everyMs: 10 * MINUTE_MS, run: sealAuditLog },
  { name: 'delete-old-audit-entries', everyMs: 24 * HOUR_MS, firstAfterMs: HOUR_MS, run: deleteOldEntries },
  { name: 'reconcile-usage', everyMs: 24 * HOUR_MS, firstAfterMs: HOUR_MS, run: reportUsageDifferences },
  { name: 'forget-silent-processes', everyMs: HOUR_MS, run: (ctx) => deleteSilentProcesses(ctx.db) },
];
