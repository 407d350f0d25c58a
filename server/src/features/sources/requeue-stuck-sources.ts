import type { Context } from '#platform/context.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { ingestDedupeKey, ingestSourceJob } from '#features/ingestion/ingestion.jobs.js';
import { listStuckSources } from './sources.queries.js';

const UNTOUCHED_MS = 2 * 60_000;
const BATCH = 100;

/** Queues the indexing of sources that wait for one and have no job. @returns how many there were */
export async function requeueStuckSources(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob'>,
): Promise<number> {
  const stuck = await listStuckSources(ctx.db, {
    untouchedSince: new Date(ctx.clock.now().getTime() - UNTOUCHED_MS),
    limit: BATCH,
  });
  for (const payload of stuck) {
    const { projectId, sourceId } = payload;
    await inProjectTransaction(ctx, { projectId }, (tx) =>
      enqueueJob(tx, ingestSourceJob, { projectId, payload, dedupeKey: ingestDedupeKey(sourceId) }),
    );
  }
  return stuck.length;
}
