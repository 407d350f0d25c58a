import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import type { Reservation } from '#features/usage/reserve-message.js';
import { settleMessage } from '#features/usage/settle-message.js';
import type { MessageRow } from './chat.queries.js';
import { storeTrace } from './store-trace.js';
import type { MessageTrace } from './trace.schemas.js';

/** How an answer ended. */
export type TurnEnd = Pick<MessageRow, 'status'> &
  Partial<
    Pick<
      MessageRow,
      | 'content'
      | 'citations'
      | 'sentences'
      | 'refusal'
      | 'notices'
      | 'confidence'
      | 'model'
      | 'inputTokens'
      | 'outputTokens'
      | 'cost'
      | 'currency'
    >
  > & { trace?: MessageTrace };

/**
 * Stores how an answer ended, and settles what it costs.
 * @returns null when it had ended before, or its conversation was deleted
 */
export function closeTurn(
  ctx: Pick<Context, 'db' | 'clock' | 'config' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  turn: { messageId: string; reservation: Reservation | null },
  end: TurnEnd,
): Promise<MessageRow | null> {
  const { trace, ...message } = end;
  const { messageId, reservation } = turn;
  return inProjectTransaction(ctx, scope, async (tx) => {
    const row = await settleMessage(tx, scope, { messageId, reservation, end: message });
    if (row === null) return null;
    if (trace !== undefined) await storeTrace(tx, scope, messageId, trace);
    return row;
  });
}
