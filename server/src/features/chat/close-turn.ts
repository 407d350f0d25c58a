import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { type MessageRow, closeStreamingMessage } from './chat.queries.js';
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

/** Stores how an answer ended. @returns null when it had ended before, or its conversation was deleted */
export function closeTurn(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  messageId: string,
  end: TurnEnd,
): Promise<MessageRow | null> {
  const { trace, ...message } = end;
  return inProjectTransaction(ctx, scope, async (tx) => {
    const row = await closeStreamingMessage(tx.db, scope, messageId, message);
    if (row === null) return null;
    if (trace !== undefined) await storeTrace(tx, scope, messageId, trace);
    return row;
  });
}
