import { hostname } from 'node:os';
import PQueue from 'p-queue';
import { newId } from '#kernel/ids.js';
import type { Context } from '../context.js';
import type { JobBell } from '../ports/job-bell.js';
import { relayRings } from './relay-rings.js';
import { type JobShares, createJobShares } from './job-shares.js';
import type { JobRegistry } from './job-registry.js';
import { recoverExpiredJobs, runNextJob } from './run-job.js';

const POLL_MS = 1_000;
/** Even while the bell seems well: a ring may go to a worker that cannot be reached any more. */
const LOOK_ANYWAY_MS = 10_000;
const PAUSE_AFTER_ERROR_MS = 2_000;

export interface JobRunner {
  /** Looks for work at once instead of at the next poll. */
  ring: () => void;
  /** Takes no new job, waits for those in hand and after `timeoutMs` hands them back to the queue. */
  stop: (timeoutMs: number) => Promise<void>;
}

interface Runner {
  ctx: Context;
  registry: JobRegistry;
  workerId: string;
  /** Jobs in hand at once, whoever rang for them. */
  slots: PQueue;
  /** Somebody rang in this process. */
  knock: Knock;
  /** Knocks once, when the runner stops. */
  end: Knock;
  release: AbortController;
  shares: JobShares;
  isStopping: boolean;
  /** Nobody rings: this process looks for jobs by itself. */
  isLooking: boolean;
  lookedAt: number;
  /** A job that somebody rang for may wait for its share. */
  hasPassedOver: boolean;
}

/**
 * Runs jobs in this process, `concurrency` at once. Without a bell, or while it is away, loops claim what is due;
 * with one, each ring claims its job by the same statement. Two more loops take back jobs whose worker died, and ring again
 * for those that nobody heard of.
 */
export function startJobRunner(
  ctx: Context,
  registry: JobRegistry,
  options: { concurrency: number; bell: JobBell | null },
): JobRunner {
  const { concurrency, bell } = options;
  const runner: Runner = {
    ctx,
    registry,
    workerId: `${hostname()}/${newId()}`,
    slots: new PQueue({ concurrency }),
    knock: createKnock(),
    end: createKnock(),
    release: new AbortController(),
    shares: createJobShares(concurrency),
    isStopping: false,
    isLooking: bell === null,
    lookedAt: performance.now(),
    hasPassedOver: false,
  };
  const loops = Array.from({ length: concurrency }, () =>
    repeat(runner, runner.knock, () => claimNext(runner)),
  );
  loops.push(repeat(runner, runner.end, () => takeBack(runner)));
  if (bell !== null) loops.push(repeat(runner, runner.end, () => relay(runner, bell)));
  const listener = bell?.listen((jobId) => answerRing(runner, jobId), concurrency);
  return {
    ring: runner.knock.now,
    stop: async (timeoutMs) => {
      runner.isStopping = true;
      runner.knock.now();
      runner.end.now();
      const timer = setTimeout(() => runner.release.abort(), timeoutMs);
      await listener?.stop();
      await Promise.all([...loops, runner.slots.onIdle()]);
      clearTimeout(timer);
    },
  };
}

/** @returns whether there may be more to do at once */
async function claimNext(runner: Runner): Promise<boolean> {
  const { ctx, registry, workerId, slots, shares, release } = runner;
  if (!runner.isLooking && performance.now() - runner.lookedAt < LOOK_ANYWAY_MS) return false;
  const isFound = await slots.add(
    async () =>
      !runner.isStopping && (await runNextJob(ctx, registry, workerId, release.signal, null, shares)),
  );
  if (!isFound) runner.lookedAt = performance.now();
  return isFound;
}

async function answerRing(runner: Runner, jobId: string): Promise<void> {
  const { ctx, registry, workerId, slots, shares, release } = runner;
  await slots.add(async () => {
    // A ring that is not answered comes again: the row is still queued.
    if (runner.isStopping) return;
    try {
      const isFound = await runNextJob(ctx, registry, workerId, release.signal, jobId, shares);
      // It may have been passed over for now: then nobody will ring for it soon, and the worker looks for itself.
      if (isFound || shares.isLimiting()) lookSoon(runner);
    } catch (error) {
      ctx.log.error({ err: error, job: jobId }, 'the job runner could not reach its jobs');
    }
  });
}

function lookSoon(runner: Runner): void {
  if (!runner.shares.isLimiting() && !runner.hasPassedOver) return;
  runner.hasPassedOver = runner.shares.isLimiting();
  runner.lookedAt = Number.NEGATIVE_INFINITY;
  runner.knock.now();
}

async function takeBack({ ctx, registry, workerId }: Runner): Promise<boolean> {
  await recoverExpiredJobs(ctx, registry, workerId);
  return false;
}

async function relay(runner: Runner, bell: JobBell): Promise<boolean> {
  runner.isLooking = (await relayRings(runner.ctx, bell)) === 'away';
  return false;
}

async function repeat(runner: Runner, knock: Knock, act: () => Promise<boolean>): Promise<void> {
  while (!runner.isStopping) {
    const seen = knock.count();
    try {
      if (!(await act())) await knock.wait(seen, POLL_MS);
    } catch (error) {
      runner.ctx.log.error({ err: error }, 'the job runner could not reach its jobs');
      await knock.wait(seen, PAUSE_AFTER_ERROR_MS);
    }
  }
}

interface Knock {
  now: () => void;
  /** How many there have been. */
  count: () => number;
  /** Resolves at the next knock after the first `seen`, or after `timeoutMs`. It leaves nothing behind. */
  wait: (seen: number, timeoutMs: number) => Promise<void>;
}

function createKnock(): Knock {
  let count = 0;
  const waiting = new Set<() => void>();
  return {
    now: () => {
      count += 1;
      for (const wake of waiting) wake();
    },
    count: () => count,
    wait: (seen, timeoutMs) =>
      new Promise((resolve) => {
        if (count !== seen) {
          resolve();
          return;
        }
        const timer = setTimeout(() => wake(), timeoutMs).unref();
        const wake = () => {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
      }),
  };
}
