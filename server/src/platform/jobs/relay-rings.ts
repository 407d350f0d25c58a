import type { Context } from '../context.js';
import type { JobBell } from '../ports/job-bell.js';
import { forgetRings, listUnrungJobs, markJobsRung } from './job-rings.queries.js';

/** Whoever wants a job rings for it; only after this long the relay does. */
const RING_GRACE_MS = 1_000;
/** A ring that brought no worker in this long was lost, or waits in line: to ring twice does no harm. */
const RING_AGAIN_MS = 30_000;
const BATCH = 500;
/** Of one look; there is another one a second later. */
const MAX_BATCHES = 4;

/**
 * Rings for jobs that are due and that nobody has been told of: the bell was away, has forgotten, or whoever should
 * have rung died. @returns what the bell said of itself
 */
export async function relayRings(
  ctx: Pick<Context, 'db' | 'clock'>,
  bell: JobBell,
): Promise<'ready' | 'away'> {
  const state = await bell.check();
  if (state === 'away') return 'away';
  if (state === 'emptied') await forgetRings(ctx.db);
  const now = ctx.clock.now();
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const rings = await listUnrungJobs(ctx.db, {
      dueBefore: new Date(now.getTime() - RING_GRACE_MS),
      rungBefore: new Date(now.getTime() - RING_AGAIN_MS),
      limit: BATCH,
    });
    if (rings.length === 0) return 'ready';
    try {
      await bell.ring(rings);
    } catch {
      return 'away';
    }
    await markJobsRung(
      ctx.db,
      rings.map(({ id }) => id),
      now,
    );
    if (rings.length < BATCH) return 'ready';
  }
  return 'ready';
}
