import { AppError } from '#kernel/app-error.js';
import type { Context } from '../context.js';
import { CANCELLED } from './define-job.js';
import type { JobRegistry } from './job-registry.js';
import type { JobRow } from './jobs.queries.js';
import { lockJob, updateLockedJob } from './one-job.queries.js';

/**
 * Ends a queued job at once, with what its handler has to say: otherwise what waits for it would wait for ever, or be
 * queued anew. A running one is asked to stop, and notices within two seconds.
 * @throws AppError `not_found`, `conflict` for a job that has ended
 */
export async function cancelOneJob(tx: Context, registry: JobRegistry, jobId: string): Promise<JobRow> {
  const row = await lockJob(tx.db, jobId);
  const now = tx.clock.now();
  if (row.status === 'running') {
    return updateLockedJob(tx.db, jobId, { cancelRequestedAt: row.cancelRequestedAt ?? now });
  }
  if (row.status !== 'queued') {
    throw new AppError('conflict', `The job has ended already: it is ${row.status}.`);
  }
  const cancelled = await updateLockedJob(tx.db, jobId, {
    status: 'cancelled',
    error: CANCELLED,
    finishedAt: now,
  });
  const registered = registry.get(row.type);
  const payload = registered?.definition.payload.safeParse(row.payload);
  if (payload?.success === true) {
    await registered?.handler.ended(tx, payload.data, { status: 'cancelled', failure: CANCELLED });
  }
  return cancelled;
}
