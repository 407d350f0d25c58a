import type { Context } from '#platform/context.js';
import { closeAbandonedMessages } from './chat.queries.js';
import { LONGEST_TURN_MS } from './open-turn.js';

/**
 * Ends answers whose process died.
 * @param isAlone no other process uses the database: whatever is still streaming was left by an earlier one
 */
export async function closeAbandonedTurns(
  ctx: Pick<Context, 'db' | 'clock' | 'log'>,
  isAlone: boolean,
): Promise<void> {
  const startedBefore = new Date(ctx.clock.now().getTime() - (isAlone ? 0 : LONGEST_TURN_MS));
  const count = await closeAbandonedMessages(ctx.db, startedBefore);
  if (count > 0) ctx.log.warn({ count }, 'answers that an earlier process left unfinished were closed');
}
