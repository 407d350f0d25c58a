import { AppError } from '#kernel/app-error.js';
import type { Context } from '../context.js';
import { isUniqueViolation } from '../database-errors.js';
import type { JobRegistry } from './job-registry.js';
import type { JobRow } from './jobs.queries.js';
import { lockJob, updateLockedJob } from './one-job.queries.js';

/** Whether a job has come to nothing and running it once more could change that. */
export function isRetryable(registry: JobRegistry, job: Pick<JobRow, 'type' | 'status'>): boolean {
  return isEndedInVain(job) && registry.get(job.type)?.handler.retried !== undefined;
}

/**
 * Queues a failed or cancelled job once more, with all its attempts, and rings for it after commit.
 * @throws AppError `not_found`, `conflict` where that cannot be or would come to nothing
 */
export async function retryJob(tx: Context, registry: JobRegistry, jobId: string): Promise<JobRow> {
  const row = await lockJob(tx.db, jobId);
  if (!isEndedInVain(row)) {
    throw new AppError(
      'conflict',
      `Only failed and cancelled jobs are run again: this one is ${row.status}.`,
    );
  }
  const registered = registry.get(row.type);
  const payload = registered?.definition.payload.safeParse(row.payload);
  const { handler } = registered ?? {};
  if (handler?.retried === undefined || payload?.success !== true) {
    throw new AppError(
      'conflict',
      `A job of the type ${row.type} does nothing by itself. Start again what it was part of, such as the sync of a source.`,
    );
  }
  // Before the row is written: whoever holds what it locks may be about to queue a job with the same key.
  await handler.retried(tx, payload.data);
  const queued = await putBack(tx, row);
  tx.afterCommit(() => tx.dispatchJob({ id: queued.id, priority: queued.priority, runAt: queued.runAt }));
  return queued;
}

function isEndedInVain({ status }: Pick<JobRow, 'status'>): boolean {
  return status === 'failed' || status === 'cancelled';
}

async function putBack(tx: Context, row: JobRow): Promise<JobRow> {
  try {
    return await updateLockedJob(tx.db, row.id, {
      status: 'queued',
      attempts: 0,
      runAt: tx.clock.now(),
      error: null,
      progress: null,
      finishedAt: null,
      cancelRequestedAt: null,
      rerunRequestedAt: null,
      rungAt: null,
    });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AppError('conflict', 'Another job is doing the same already.', { cause: error });
  }
}
