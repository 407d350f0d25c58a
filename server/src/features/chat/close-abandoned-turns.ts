import type { Context } from '#platform/context.js';
import { canJudgeSilence } from '#platform/processes/process-lease.js';
import { closeAbandonedMessages } from './chat.queries.js';
import { LONGEST_TURN_MS } from './open-turn.js';

/**
 * Ends answers whose process died, as failed. After a time without the database all processes seem dead, and only the
 * age of an answer counts until each has had the time to say that it lives.
 * @param isAlone there is no other process
 * @returns how many there were
 */
export async function closeAbandonedTurns(
  ctx: Pick<Context, 'db' | 'clock' | 'processId'>,
  isAlone: boolean,
): Promise<number> {
  const startedBefore = new Date(ctx.clock.now().getTime() - LONGEST_TURN_MS);
  const isDeathCertain = isAlone || (await canJudgeSilence(ctx));
  return closeAbandonedMessages(ctx.db, { startedBefore, isDeathCertain });
}
