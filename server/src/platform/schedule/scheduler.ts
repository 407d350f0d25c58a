import type { Context } from '../context.js';
import { claimSchedule, insertMissingSchedules, listDueSchedules } from './schedules.queries.js';

const LOOK_EVERY_MS = 1_000;
/** What a timer of Node can hold. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Work that comes again. Each run is idempotent: a process may die in the middle of one. */
export interface ScheduledTask {
  name: string;
  /** A run is aborted when the next one is due. */
  everyMs: number;
  /** On a database that has never seen the task, the first run comes after this long. Unset: at once. */
  firstAfterMs?: number;
  /** @returns how many things it ended, deleted or mended */
  run: (ctx: Context, signal: AbortSignal) => Promise<number>;
}

export interface Scheduler {
  /** Begins no run, aborts those in hand and waits for them. */
  stop: () => Promise<void>;
}

/**
 * Runs tasks when they are due, each on its own, so that a long one holds up no other. Among all processes on a database each run has one runner: the
 * one that moved the schedule's row on.
 */
export function startScheduler(ctx: Context, tasks: readonly ScheduledTask[]): Scheduler {
  const stopping = new AbortController();
  const running = new Map<string, Promise<void>>();
  const state = { isRegistered: false };
  const look = async () => {
    if (!state.isRegistered) await insertMissingSchedules(ctx.db, tasks);
    state.isRegistered = true;
    const idle = tasks.filter(({ name }) => !running.has(name));
    const due = await listDueSchedules(
      ctx.db,
      idle.map(({ name }) => name),
    );
    for (const task of idle.filter(({ name }) => due.includes(name))) {
      if (stopping.signal.aborted) return;
      if (!(await claimSchedule(ctx.db, task.name, task.everyMs))) continue;
      const run = runTask(ctx, task, stopping.signal).finally(() => running.delete(task.name));
      running.set(task.name, run);
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
      await Promise.all(running.values());
    },
  };
}

/** One run of a task, measured; what fails is logged and comes again when it is next due. */
async function runTask(ctx: Context, task: ScheduledTask, stopping: AbortSignal): Promise<void> {
  const run = new AbortController();
  const stop = () => run.abort(new DOMException('the process stops', 'AbortError'));
  const timeout = setTimeout(
    () => run.abort(new DOMException('the next run is due', 'TimeoutError')),
    Math.min(task.everyMs, MAX_TIMER_MS),
  );
  stopping.addEventListener('abort', stop, { once: true });
  const startedAt = performance.now();
  let outcome: 'ok' | 'failed' = 'failed';
  try {
    const count = await task.run(ctx, run.signal);
    outcome = 'ok';
    ctx.metrics.scheduledTaskSuccess.set({ task: task.name }, ctx.clock.now().getTime() / 1000);
    ctx.metrics.scheduledTaskItems.inc({ task: task.name }, count);
    if (count > 0) ctx.log.info({ task: task.name, count }, 'scheduled task done');
  } catch (error) {
    if (stopping.aborted) return;
    ctx.log.error({ err: error, task: task.name }, 'a scheduled task failed');
  } finally {
    clearTimeout(timeout);
    stopping.removeEventListener('abort', stop);
    const seconds = (performance.now() - startedAt) / 1000;
    ctx.metrics.scheduledTaskSeconds.observe({ task: task.name, outcome }, seconds);
  }
}
