import { hostname } from 'node:os';
import type { Context } from '../context.js';
import { deleteAllProcesses, deleteProcess, isSteady, upsertProcess } from './processes.queries.js';

/** How long the others believe that a process lives which says nothing more. */
const LEASE_SECONDS = 15;
const BEAT_MS = 3_000;

/** Whether the silence of other processes means that they are dead: this one has been heard all the while. */
export function canJudgeSilence(ctx: Pick<Context, 'db' | 'processId'>): Promise<boolean> {
  return isSteady(ctx.db, ctx.processId, LEASE_SECONDS);
}

export interface ProcessLease {
  /** Says no more, and that this process is gone. */
  stop: () => Promise<void>;
}

/**
 * Says every three seconds that this process is alive, until it is stopped. What it has in hand (answers, requests
 * with an idempotency key) is ended or free for others 15 s after it fell silent.
 * @param isAlone no other process uses the database: whoever is written there is dead
 */
export async function startProcessLease(
  ctx: Pick<Context, 'db' | 'log' | 'processId' | 'config'>,
  options: { isAlone: boolean; version: string },
): Promise<ProcessLease> {
  const process = {
    id: ctx.processId,
    role: ctx.config.role,
    host: hostname(),
    version: options.version,
  };
  if (options.isAlone) await deleteAllProcesses(ctx.db);
  await upsertProcess(ctx.db, process, LEASE_SECONDS);
  let beat: Promise<void> | null = null;
  const timer = setInterval(() => {
    beat ??= upsertProcess(ctx.db, process, LEASE_SECONDS)
      .catch((error: unknown) => ctx.log.warn({ err: error }, 'could not say that this process is alive'))
      .finally(() => (beat = null));
  }, BEAT_MS);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await beat;
      await deleteProcess(ctx.db, ctx.processId).catch(() => {});
    },
  };
}
