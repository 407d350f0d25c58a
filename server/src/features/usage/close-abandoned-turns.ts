import type { Context } from '#platform/context.js';
import { LONGEST_TURN_MS } from './reserve-message.js';
import { closeAbandoned } from './settlement.queries.js';

/**
 * Ends answers whose process died, as failed, and gives back what was reserved for them. Nothing is charged.
 * @returns how many there were
 */
export function closeAbandonedTurns(ctx: Pick<Context, 'db' | 'clock' | 'processId'>): Promise<number> {
  const now = ctx.clock.now();
  const startedBefore = new Date(now.getTime() - LONGEST_TURN_MS);
  return closeAbandoned(ctx.db, { startedBefore, now, ownProcessId: ctx.processId });
}
