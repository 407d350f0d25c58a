import type { Context } from '#platform/context.js';
import { closeAbandonedMessages } from './chat.queries.js';
import { LONGEST_TURN_MS } from './open-turn.js';

/** Ends answers whose process died, as failed. @returns how many there were */
export function closeAbandonedTurns(ctx: Pick<Context, 'db' | 'clock' | 'processId'>): Promise<number> {
  const startedBefore = new Date(ctx.clock.now().getTime() - LONGEST_TURN_MS);
  return closeAbandonedMessages(ctx.db, { startedBefore, ownProcessId: ctx.processId });
}
