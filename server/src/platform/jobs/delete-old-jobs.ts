import type { Context } from '../context.js';
import { deleteEndedJobs } from './jobs.queries.js';

const KEEP_MS = 14 * 24 * 3_600_000;
const BATCH = 1_000;

/** Deletes jobs that ended two weeks ago. @returns how many */
export async function deleteOldJobs(
  ctx: Pick<Context, 'db' | 'clock'>,
  signal: AbortSignal,
): Promise<number> {
  const endedBefore = new Date(ctx.clock.now().getTime() - KEEP_MS);
  let total = 0;
  for (;;) {
    const count = await deleteEndedJobs(ctx.db, endedBefore, BATCH);
    total += count;
    if (count < BATCH || signal.aborted) return total;
  }
}
