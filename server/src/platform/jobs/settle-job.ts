import { AppError } from '#kernel/app-error.js';
import { ModelError } from '#kernel/model-error.js';
import { SourceError } from '#kernel/source-error.js';
import type { Context } from '../context.js';
import { isForeignKeyViolation } from '../database-errors.js';
import { inJobTransaction } from '../transaction.js';
import { CANCELLED, type JobFailure, JobPostponed, LeaseLostError } from './define-job.js';
import { AttemptAborted, leaseEnd } from './job-lease.js';
import type { RegisteredJob } from './job-registry.js';
import { type JobRow, type Lease, extendLease, finishJob, requeueJob } from './jobs.queries.js';

const MAX_BACKOFF_MS = 300_000;

export type Outcome = 'succeeded' | 'failed' | 'retried' | 'cancelled' | 'lost' | 'released' | 'postponed';

/** Ends, retries or gives up an attempt that threw. */
export async function settleFailure(
  ctx: Context,
  registered: RegisteredJob,
  row: JobRow,
  lease: Lease,
  error: unknown,
): Promise<Outcome> {
  if (error instanceof LeaseLostError || isForeignKeyViolation(error)) {
    // What the job writes to is gone, or the job is another's.
    // A fence refuses a cancelled job too, and may do so before the heartbeat has seen the wish.
    const state = await extendLease(ctx.db, lease, leaseEnd(ctx));
    if (state === 'cancel') return endJob(ctx, registered, row, lease, 'cancelled', CANCELLED);
    if (state === 'lost') return 'lost';
  }
  if (error instanceof AttemptAborted) {
    switch (error.why) {
      case 'lost':
        return 'lost';
      case 'cancelled':
        return endJob(ctx, registered, row, lease, 'cancelled', CANCELLED);
      case 'released':
        return (await handBack(ctx, row, lease, { failure: null, isCounted: false })) ? 'released' : 'lost';
      case 'timeout': {
        const failure = { code: 'timeout', message: 'It took too long.' };
        return retryOrFail(ctx, registered, row, lease, failure, true);
      }
    }
  }
  if (error instanceof JobPostponed) {
    const isHeld = await handBack(ctx, row, lease, { failure: null, isCounted: false, runAt: error.until });
    return isHeld ? 'postponed' : 'lost';
  }
  const { failure, isRetryable } = describeFailure(error);
  if (failure.code === 'internal') {
    ctx.log.error({ err: error, job: row.id, type: row.type, project: row.projectId }, 'job attempt failed');
  }
  const leastMs = error instanceof SourceError ? (error.retryAfterMs ?? 0) : 0;
  return retryOrFail(ctx, registered, row, lease, failure, isRetryable, leastMs);
}

/** Queues a job again, at once where no time is given. @returns whether it was still held */
export async function handBack(
  ctx: Context,
  row: JobRow,
  lease: Lease,
  end: { failure: JobFailure | null; isCounted: boolean; runAt?: Date },
): Promise<boolean> {
  const { runAt = ctx.clock.now() } = end;
  const isHeld = await requeueJob(ctx.db, lease, { ...end, runAt });
  if (isHeld) ctx.dispatchJob({ id: row.id, priority: row.priority, runAt });
  return isHeld;
}

async function retryOrFail(
  ctx: Context,
  registered: RegisteredJob,
  row: JobRow,
  lease: Lease,
  failure: JobFailure,
  isRetryable: boolean,
  leastMs = 0,
): Promise<Outcome> {
  if (!isRetryable || row.attempts >= row.maxAttempts) {
    return endJob(ctx, registered, row, lease, 'failed', failure);
  }
  const longestMs = Math.min(MAX_BACKOFF_MS, registered.definition.backoffMs * 2 ** (row.attempts - 1));
  const runAt = new Date(ctx.clock.now().getTime() + leastMs + Math.random() * longestMs);
  const isHeld = await requeueJob(ctx.db, lease, { runAt, failure, isCounted: true });
  return isHeld ? 'retried' : 'lost';
}

/** Ends a job for good, with what its handler has to say in the same transaction. */
export async function endJob(
  ctx: Context,
  registered: RegisteredJob,
  row: JobRow,
  lease: Lease,
  status: 'failed' | 'cancelled',
  failure: JobFailure,
): Promise<Outcome> {
  return inJobTransaction(ctx, row, async (tx) => {
    const isHeld = await finishJob(tx.db, lease, { status, failure, now: tx.clock.now() });
    if (!isHeld) return 'lost';
    const payload = registered.definition.payload.safeParse(row.payload);
    if (payload.success) await registered.handler.ended(tx, payload.data, { status, failure });
    return status;
  });
}

function describeFailure(error: unknown): { failure: JobFailure; isRetryable: boolean } {
  if (error instanceof SourceError) {
    return { failure: { code: error.reason, message: error.message }, isRetryable: error.retryable };
  }
  if (error instanceof ModelError) {
    return {
      failure: { code: 'embedding_failed', message: error.message },
      isRetryable: error.kind !== 'rejected' && error.kind !== 'bad_reply',
    };
  }
  if (error instanceof AppError && error.code === 'unavailable') {
    return { failure: { code: 'unavailable', message: error.message }, isRetryable: true };
  }
  return {
    failure: { code: 'internal', message: 'An unexpected error stopped it. It has been logged.' },
    isRetryable: true,
  };
}
