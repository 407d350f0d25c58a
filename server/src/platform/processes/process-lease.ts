import { hostname } from 'node:os';
import type { Context } from '../context.js';
import { deleteAllProcesses, deleteProcess, upsertProcess } from './processes.queries.js';

/** How long the others believe that a process lives which says nothing more. */
const LEASE_SECONDS = 15;
const BEAT_MS = 3_000;
/** Two beats: more than that is a gap. */
const GAP_SECONDS = 6;

export interface ProcessLease {
  /** Says no more, and that this process is gone. */
  stop: () => Promise<void>;
}

/**
 * Says every three seconds that this process is alive, until it is stopped. What it has in hand (answers, requests
 * with an idempotency key) is ended or free for others 15 s after it fell silent.
 * @param options.isAlone no other process uses the database: whoever is written there is dead
 * @param options.onBeat gets the time of the database at each beat
 */
export async function startProcessLease(
  ctx: Pick<Context, 'pulse' | 'log' | 'processId' | 'config'>,
  options: { isAlone: boolean; version: string; onBeat: (now: Date) => void },
): Promise<ProcessLease> {
  const process = {
    id: ctx.processId,
    role: ctx.config.role,
    host: hostname(),
    version: options.version,
    // Who is alone need not wait to know that the others are dead.
    ...(options.isAlone ? { steadySince: new Date(0) } : {}),
  };
  const beatOnce = async () => {
    const lease = { leaseSeconds: LEASE_SECONDS, gapSeconds: GAP_SECONDS };
    options.onBeat(await upsertProcess(ctx.pulse, process, lease));
  };
  if (options.isAlone) await deleteAllProcesses(ctx.pulse);
  await beatOnce();
  let beat: Promise<void> | null = null;
  const timer = setInterval(() => {
    beat ??= beatOnce()
      .catch((error: unknown) => ctx.log.warn({ err: error }, 'could not say that this process is alive'))
      .finally(() => (beat = null));
  }, BEAT_MS);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await beat;
      await deleteProcess(ctx.pulse, ctx.processId).catch(() => {});
    },
  };
}
