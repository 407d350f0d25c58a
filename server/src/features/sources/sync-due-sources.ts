import type { Context } from '#platform/context.js';
import { mintProjectScope, systemCaller } from '#platform/scope.js';
import { listSourcesToSync } from './sources.queries.js';
import { syncSource } from './sync-source.js';

const BATCH = 100;

/** Queues the sources whose interval has run out. @returns how many there were */
export async function syncDueSources(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob'>,
): Promise<number> {
  const due = await listSourcesToSync(ctx.db, { now: ctx.clock.now(), limit: BATCH });
  for (const { projectId, sourceId } of due) {
    await syncSource(ctx, mintProjectScope(systemCaller, projectId, null), sourceId);
  }
  return due.length;
}
