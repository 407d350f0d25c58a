import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { decideCharge } from './charge-rule.js';
import type { Reservation } from './reserve-message.js';
import { type MessageEnd, type MessageRow, closeAndSettle } from './settlement.queries.js';
import { WARNING_PERCENTS } from './usage-limit.js';
import { warnOfUsage } from './warn-of-usage.js';

/**
 * Stores how an answer ended and settles what was reserved for it, once.
 * @returns null where it had ended before, or its conversation was deleted
 */
export async function settleMessage(
  tx: Pick<Context, 'db' | 'clock' | 'config' | 'afterCommit' | 'dispatchJob'>,
  scope: Pick<ProjectScope, 'projectId'>,
  answer: {
    messageId: string;
    reservation: Pick<Reservation, 'of' | 'userId' | 'periodId' | 'tier'> | null;
    end: MessageEnd & Pick<MessageRow, 'status'>;
  },
): Promise<MessageRow | null> {
  const { messageId, reservation, end } = answer;
  const charge = decideCharge(end, reservation?.of ?? null);
  const settled = await closeAndSettle(tx.db, scope, {
    messageId,
    end,
    charge,
    cost: end.cost ?? '0',
    now: tx.clock.now(),
    warningPercent: WARNING_PERCENTS[0],
    ids: { event: newId(), tracking: newId() },
  });
  if (settled === null) return null;
  if (reservation !== null && settled.isNearLimit) await warnOfUsage(tx, reservation);
  return settled.message;
}
