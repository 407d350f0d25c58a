import { hostname } from 'node:os';
import { newId } from '#kernel/ids.js';
import type { Context } from '../context.js';
import { type JobRegistry, recoverExpiredJobs, runNextJob } from './run-job.js';

const POLL_MS = 1_000;
const PAUSE_AFTER_ERROR_MS = 2_000;

export interface JobRunner {
  /** Looks for work at once instead of at the next poll. */
  ring: () => void;
  /** Takes no new job, waits for those in hand and after `timeoutMs` hands them back to the queue. */
  stop: (timeoutMs: number) => Promise<void>;
}

/** Runs jobs in this process: `concurrency` loops that claim, run and, when nothing is due, wait for the bell. */
export function startJobRunner(ctx: Context, registry: JobRegistry, concurrency: number): JobRunner {
  const workerId = `${hostname()}/${newId()}`;
  const bell = createBell();
  const release = new AbortController();
  const state = { isStopping: false };
  const loops = Array.from({ length: concurrency }, () =>
    runLoop(ctx, registry, workerId, bell, release, state),
  );
  return {
    ring: bell.ring,
    stop: async (timeoutMs) => {
      state.isStopping = true;
      bell.ring();
      const timer = setTimeout(() => release.abort(), timeoutMs);
      await Promise.all(loops);
      clearTimeout(timer);
    },
  };
}

async function runLoop(
  ctx: Context,
  registry: JobRegistry,
  workerId: string,
  bell: Bell,
  release: AbortController,
  state: { isStopping: boolean },
): Promise<void> {
  while (!state.isStopping) {
    const heard = bell.next();
    try {
      await recoverExpiredJobs(ctx, registry, workerId);
      if (await runNextJob(ctx, registry, workerId, release.signal)) continue;
      await Promise.race([heard, pause(POLL_MS)]);
    } catch (error) {
      ctx.log.error({ err: error }, 'the job runner could not reach its jobs');
      await Promise.race([heard, pause(PAUSE_AFTER_ERROR_MS)]);
    }
  }
}

interface Bell {
  ring: () => void;
  /** Resolves at the next ring. */
  next: () => Promise<void>;
}

function createBell(): Bell {
  let resolve: () => void = () => {};
  let promise = new Promise<void>((done) => (resolve = done));
  return {
    next: () => promise,
    ring: () => {
      resolve();
      promise = new Promise<void>((done) => (resolve = done));
    },
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, milliseconds).unref();
  });
}
