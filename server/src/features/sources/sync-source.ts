import type { Context } from '#platform/context.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { ingestDedupeKey, ingestSourceJob } from '#features/ingestion/ingestion.jobs.js';
import { QUEUED } from './create-source.js';
import { type SourceRow, lockSource, markSourceQueued, markSyncWanted } from './sources.queries.js';

/**
 * Queues a source to be read again; while one reading is under way it is not doubled but follows.
 * @throws AppError `not_found`
 */
export function syncSource(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  sourceId: string,
): Promise<SourceRow> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const source = await lockSource(tx.db, scope, sourceId);
    const { projectId } = scope;
    // The pages of a website are read in jobs of their own: the run that they are of ends first.
    if (source.syncPhase === 'pages') {
      await recordSync(tx, scope, sourceId);
      return markSyncWanted(tx.db, scope, sourceId);
    }
    const jobId = await enqueueJob(tx, ingestSourceJob, {
      projectId,
      payload: { projectId, sourceId },
      dedupeKey: ingestDedupeKey(sourceId),
    });
    if (jobId === null) return source;
    await recordSync(tx, scope, sourceId);
    return markSourceQueued(tx.db, scope, sourceId, QUEUED);
  });
}

async function recordSync(tx: Pick<Context, 'db'>, scope: ProjectScope, sourceId: string): Promise<void> {
  await recordAudit(tx, scope, {
    projectId: scope.projectId,
    action: 'source.sync',
    resourceType: 'source',
    resourceId: sourceId,
  });
}
