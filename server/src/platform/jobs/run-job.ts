import type { Context } from '../context.js';
import { type SpanOptions, inSpan } from '../tracing.js';
import { CANCELLED, type JobFailure, LeaseLostError, type RunningJob } from './define-job.js';
import { AttemptAborted, leaseEnd } from './job-lease.js';
import { ALL_SHARES, type JobShares } from './job-shares.js';
import type { JobRegistry, RegisteredJob } from './job-registry.js';
import {
  type JobRow,
  type Lease,
  claimJob,
  expireLeases,
  extendLease,
  finishJob,
  forgetJob,
  lockHeldJob,
  takeExpiredJob,
  updateJobProgress,
} from './jobs.queries.js';
import { type Outcome, endJob, handBack, settleFailure } from './settle-job.js';

const HEARTBEAT_MS = 2_000;

/**
 * Claims one job and runs one attempt of it to a stored end.
 * @param jobId of the job to claim; null: the most urgent that is due
 * @param shares what the worker leaves for others; unset: nothing
 * @param released fires when the worker must stop: the job goes back to the queue, uncounted
 * @returns false when nothing is due
 */
export async function runNextJob(
  ctx: Context,
  registry: JobRegistry,
  workerId: string,
  released: AbortSignal,
  jobId: string | null = null,
  shares: JobShares = ALL_SHARES,
): Promise<boolean> {
  const types = [...registry.keys()];
  const row = await shares.claim((limits) => {
    const claim = { workerId, types, jobId, now: ctx.clock.now(), leaseUntil: leaseEnd(ctx), limits };
    return claimJob(ctx.db, claim);
  });
  if (row === null) return false;
  try {
    await runClaimedJob(ctx, registry, row, { workerId, released });
  } finally {
    shares.release(row);
  }
  return true;
}

async function runClaimedJob(
  ctx: Context,
  registry: JobRegistry,
  row: JobRow,
  { workerId, released }: { workerId: string; released: AbortSignal },
): Promise<void> {
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
  let inFlight: Promise<void> | null = null;
  const heartbeat = setInterval(() => {
    inFlight ??= beat(ctx, lease, abort).finally(() => (inFlight = null));
  }, HEARTBEAT_MS);
  try {
    const payload = registered.definition.payload.parse(row.payload);
    await registered.handler.run(ctx, runningJob(row, lease), payload, abort.signal);
    const isForgotten = registered.definition.isForgotten === true && (await forgetJob(ctx.db, lease));
    const end = { status: 'succeeded', failure: null, now: ctx.clock.now() } as const;
    return isForgotten || (await finishJob(ctx.db, lease, end)) ? 'succeeded' : 'lost';
  } catch (error) {
    return await settleFailure(ctx, registered, row, lease, abort.signal.reason ?? error);
  } finally {
    clearInterval(heartbeat);
    clearTimeout(timeout);
    released.removeEventListener('abort', onRelease);
  }
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
    const state = await extendLease(ctx.pulse, lease, leaseEnd(ctx));
    if (state === 'cancel') abort.abort(new AttemptAborted('cancelled'));
    if (state === 'lost') abort.abort(new AttemptAborted('lost'));
  } catch (error) {
    ctx.log.warn({ err: error, job: lease.jobId }, 'could not extend the lease of a job');
  }
}
