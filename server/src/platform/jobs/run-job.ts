import { AppError } from '#kernel/app-error.js';
import { ModelError } from '#kernel/model-error.js';
import { SourceError } from '#kernel/source-error.js';
import type { Context } from '../context.js';
import { isForeignKeyViolation } from '../database-errors.js';
import { type SpanOptions, inSpan } from '../tracing.js';
import { inTransaction } from '../transaction.js';
import {
  CANCELLED,
  type HandlersFor,
  type JobDefinition,
  type JobFailure,
  type JobHandler,
  LeaseLostError,
  type RunningJob,
} from './define-job.js';
import {
  type JobRow,
  type Lease,
  claimJob,
  expireLeases,
  extendLease,
  finishJob,
  lockHeldJob,
  requeueJob,
  takeExpiredJob,
  updateJobProgress,
} from './jobs.queries.js';

/** A definition with its handler: the payload's type is known to the pair alone. */
interface RegisteredJob {
  definition: JobDefinition<unknown>;
  handler: JobHandler<unknown>;
}

export type JobRegistry = ReadonlyMap<string, RegisteredJob>;

/** Pairs a catalog with its handlers; the compiler has seen that none is missing. */
export function registerJobs<Catalog extends object>(
  catalog: Catalog,
  handlers: HandlersFor<Catalog>,
): JobRegistry {
  return new Map(
    Object.entries(catalog).map(([name, definition]: [string, JobDefinition<unknown>]) => {
      const handler = handlers[name as keyof Catalog] as unknown as JobHandler<unknown>;
      return [definition.type, { definition, handler }];
    }),
  );
}

/** A killed worker's job runs again within this and the two seconds or so until somebody looks. */
const LEASE_MS = 10_000;
const HEARTBEAT_MS = 2_000;
const MAX_BACKOFF_MS = 300_000;

/** Why an attempt was aborted, as `signal.reason`. */
class AttemptAborted extends Error {
  readonly why: 'cancelled' | 'lost' | 'timeout' | 'released';

  constructor(why: 'cancelled' | 'lost' | 'timeout' | 'released') {
    super(`the attempt was aborted: ${why}`);
    this.name = 'AbortError';
    this.why = why;
  }
}

/**
 * Claims one job and runs one attempt of it to a stored end.
 * @param jobId of the job to claim; null: the most urgent that is due
 * @param released fires when the worker must stop: the job goes back to the queue, uncounted
 * @returns false when nothing is due
 */
export async function runNextJob(
  ctx: Context,
  registry: JobRegistry,
  workerId: string,
  released: AbortSignal,
  jobId: string | null = null,
): Promise<boolean> {
  const now = ctx.clock.now();
  const types = [...registry.keys()];
  const row = await claimJob(ctx.db, { workerId, types, jobId, now, leaseUntil: leaseEnd(ctx) });
  if (row === null) return false;
  const registered = registry.get(row.type);
  if (registered === undefined) throw new Error(`no handler for jobs of type ${row.type}`);
  const lease = { jobId: row.id, workerId, attempt: row.attempts };
  await inSpan(attemptSpan(row), async (span) => {
    const startedAt = performance.now();
    const outcome = await runAttempt(ctx, registered, row, lease, released);
    const seconds = (performance.now() - startedAt) / 1000;
    span.set({ 'botbase.job.outcome': outcome });
    ctx.metrics.jobSeconds.observe({ type: row.type, outcome }, seconds);
    const fields = { job: row.id, type: row.type, project: row.projectId, attempt: row.attempts, outcome };
    ctx.log.info({ ...fields, milliseconds: Math.round(seconds * 1000) }, 'job attempt ended');
  });
  return true;
}

/** The attempt goes on with the trace of the request that wanted the job. */
function attemptSpan({ type, attempts, traceparent }: JobRow): SpanOptions {
  return {
    name: `job ${type}`,
    kind: 'consumer',
    attributes: { 'botbase.job.attempt': attempts },
    parent: { traceparent: traceparent ?? undefined },
  };
}

/** For a process that is alone with its database: jobs that an earlier one left running are taken up at once. */
export function takeBackJobs(ctx: Pick<Context, 'db' | 'clock'>): Promise<void> {
  return expireLeases(ctx.db, ctx.clock.now());
}

/** Ends or requeues jobs whose worker died: their lease has run out. */
export async function recoverExpiredJobs(
  ctx: Context,
  registry: JobRegistry,
  workerId: string,
): Promise<void> {
  const types = [...registry.keys()];
  for (;;) {
    const claim = { workerId, types, now: ctx.clock.now(), leaseUntil: leaseEnd(ctx) };
    const row = await takeExpiredJob(ctx.db, claim);
    if (row === null) return;
    const registered = registry.get(row.type);
    if (registered === undefined) continue;
    const lease = { jobId: row.id, workerId, attempt: row.attempts };
    if (row.cancelRequestedAt !== null) await endJob(ctx, registered, row, lease, 'cancelled', CANCELLED);
    else if (row.attempts >= row.maxAttempts)
      await endJob(ctx, registered, row, lease, 'failed', WORKER_LOST);
    // It was not the job's fault as far as anybody knows: it runs again without a pause.
    else await handBack(ctx, row, lease, { failure: WORKER_LOST, isCounted: true });
  }
}

const WORKER_LOST: JobFailure = { code: 'worker_lost', message: 'The worker stopped while it was at this.' };

type Outcome = 'succeeded' | 'failed' | 'retried' | 'cancelled' | 'lost' | 'released';

async function runAttempt(
  ctx: Context,
  registered: RegisteredJob,
  row: JobRow,
  lease: Lease,
  released: AbortSignal,
): Promise<Outcome> {
  const abort = new AbortController();
  const onRelease = () => abort.abort(new AttemptAborted('released'));
  if (released.aborted) onRelease();
  released.addEventListener('abort', onRelease);
  const timeout = setTimeout(
    () => abort.abort(new AttemptAborted('timeout')),
    registered.definition.timeoutMs,
  );
  const heartbeat = setInterval(() => void beat(ctx, lease, abort), HEARTBEAT_MS);
  try {
    const payload = registered.definition.payload.parse(row.payload);
    await registered.handler.run(ctx, runningJob(row, lease), payload, abort.signal);
    const isHeld = await finishJob(ctx.db, lease, {
      status: 'succeeded',
      failure: null,
      now: ctx.clock.now(),
    });
    return isHeld ? 'succeeded' : 'lost';
  } catch (error) {
    return await settleFailure(ctx, registered, row, lease, abort.signal.reason ?? error);
  } finally {
    clearInterval(heartbeat);
    clearTimeout(timeout);
    released.removeEventListener('abort', onRelease);
  }
}

async function settleFailure(
  ctx: Context,
  registered: RegisteredJob,
  row: JobRow,
  lease: Lease,
  error: unknown,
): Promise<Outcome> {
  if (error instanceof LeaseLostError || isForeignKeyViolation(error)) {
    // What the job writes to is gone, or the job is another's.
    // A fence refuses a cancelled job too, and may do so before the heartbeat has seen the wish.
    const isCancelled = (await extendLease(ctx.db, lease, leaseEnd(ctx))) === 'cancel';
    return isCancelled ? endJob(ctx, registered, row, lease, 'cancelled', CANCELLED) : 'lost';
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
  const { failure, isRetryable } = describeFailure(error);
  if (failure.code === 'internal') {
    ctx.log.error({ err: error, job: row.id, type: row.type, project: row.projectId }, 'job attempt failed');
  }
  return retryOrFail(ctx, registered, row, lease, failure, isRetryable);
}

/** Queues a job again at once. @returns whether it was still held */
async function handBack(
  ctx: Context,
  row: JobRow,
  lease: Lease,
  end: { failure: JobFailure | null; isCounted: boolean },
): Promise<boolean> {
  const runAt = ctx.clock.now();
  const isHeld = await requeueJob(ctx.db, lease, { runAt, ...end });
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
): Promise<Outcome> {
  if (!isRetryable || row.attempts >= row.maxAttempts) {
    return endJob(ctx, registered, row, lease, 'failed', failure);
  }
  const longestMs = Math.min(MAX_BACKOFF_MS, registered.definition.backoffMs * 2 ** (row.attempts - 1));
  const runAt = new Date(ctx.clock.now().getTime() + Math.random() * longestMs);
  const isHeld = await requeueJob(ctx.db, lease, { runAt, failure, isCounted: true });
  return isHeld ? 'retried' : 'lost';
}

async function endJob(
  ctx: Context,
  registered: RegisteredJob,
  row: JobRow,
  lease: Lease,
  status: 'failed' | 'cancelled',
  failure: JobFailure,
): Promise<Outcome> {
  return inTransaction(ctx, async (tx) => {
    const isHeld = await finishJob(tx.db, lease, { status, failure, now: tx.clock.now() });
    if (!isHeld) return 'lost';
    const payload = registered.definition.payload.safeParse(row.payload);
    if (payload.success) await registered.handler.ended(tx, payload.data, { status, failure });
    return status;
  });
}

function runningJob(row: JobRow, lease: Lease): RunningJob {
  return {
    id: row.id,
    projectId: row.projectId,
    attempt: row.attempts,
    reportProgress: (tx, progress) => updateJobProgress(tx.db, lease, progress),
    fence: async (tx) => {
      if (!(await lockHeldJob(tx.db, lease))) throw new LeaseLostError();
    },
  };
}

async function beat(ctx: Context, lease: Lease, abort: AbortController): Promise<void> {
  try {
    const state = await extendLease(ctx.db, lease, leaseEnd(ctx));
    if (state === 'cancel') abort.abort(new AttemptAborted('cancelled'));
    if (state === 'lost') abort.abort(new AttemptAborted('lost'));
  } catch (error) {
    ctx.log.warn({ err: error, job: lease.jobId }, 'could not extend the lease of a job');
  }
}

function leaseEnd(ctx: Pick<Context, 'clock'>): Date {
  return new Date(ctx.clock.now().getTime() + LEASE_MS);
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
