import type { Context } from '../context.js';
import { claimSchedule, insertMissingSchedules, listDueSchedules } from './schedules.queries.js';

const LOOK_EVERY_MS = 1_000;

/** Work that comes again. Each run is idempotent: a process may die in the middle of one. */
export interface ScheduledTask {
  name: string;
  /** A run is aborted when the next one is due. */
  everyMs: number;
  /** @returns how many things it ended, deleted or mended */
  run: (ctx: Context, signal: AbortSignal) => Promise<number>;
}

export interface Scheduler {
  /** Begins no run, aborts the one in hand and waits for it. */
  stop: () => Promise<void>;
}

/**
 * Runs tasks when they are due, one after the other. Among all processes on a database each run has one runner: the
 * one that moved the schedule's row on.
 */
export function startScheduler(ctx: Context, tasks: readonly ScheduledTask[]): Scheduler {
  const stopping = new AbortController();
  const names = tasks.map(({ name }) => name);
  const state = { isRegistered: false };
  const look = async () => {
    if (!state.isRegistered) await insertMissingSchedules(ctx.db, names);
    state.isRegistered = true;
    const due = await listDueSchedules(ctx.db, names);
    for (const task of tasks.filter(({ name }) => due.includes(name))) {
      if (stopping.signal.aborted) return;
      if (await claimSchedule(ctx.db, task.name, task.everyMs)) await runTask(ctx, task, stopping.signal);
    }
  };
  let current: Promise<void> | null = null;
  const timer = setInterval(() => {
    current ??= look()
      .catch((error: unknown) => ctx.log.warn({ err: error }, 'the schedules could not be read'))
      .finally(() => (current = null));
  }, LOOK_EVERY_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      stopping.abort();
      await current;
    },
  };
}

/** One run of a task, measured; what fails is logged and comes again when it is next due. */
async function runTask(ctx: Context, task: ScheduledTask, stopping: AbortSignal): Promise<void> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(task.everyMs)]);
  const startedAt = performance.now();
  let outcome: 'ok' | 'failed' = 'failed';
  try {
    const count = await task.run(ctx, signal);
    outcome = 'ok';
    ctx.metrics.scheduledTaskSuccess.set({ task: task.name }, ctx.clock.now().getTime() / 1000);
    ctx.metrics.scheduledTaskItems.inc({ task: task.name }, count);
    if (count > 0) ctx.log.info({ task: task.name, count }, 'scheduled task done');
  } catch (error) {
    if (stopping.aborted) return;
    ctx.log.error({ err: error, task: task.name }, 'a scheduled task failed');
  } finally {
    const seconds = (performance.now() - startedAt) / 1000;
    ctx.metrics.scheduledTaskSeconds.observe({ task: task.name, outcome }, seconds);
  }
}
