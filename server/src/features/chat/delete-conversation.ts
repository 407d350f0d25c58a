import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { deleteConversationRow, findStreamingMessageOrNull } from './chat.queries.js';

/** Deletes a conversation with its messages; its token dies with it, and an answer in the making stops. @throws AppError `not_found` */
export function deleteConversation(
  ctx: Pick<Context, 'db' | 'streams' | 'afterCommit' | 'log' | 'processId'>,
  scope: ProjectScope,
  conversationId: string,
): Promise<void> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const running = isId(conversationId)
      ? await findStreamingMessageOrNull(tx.db, scope, conversationId, tx.processId)
      : null;
    const isDeleted = isId(conversationId) && (await deleteConversationRow(tx.db, scope, conversationId));
    if (!isDeleted) throw new AppError('not_found', 'There is no such conversation.');
    if (running !== null) tx.afterCommit(() => void stopAnswer(ctx, running.id));
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'conversation.delete',
      resourceType: 'conversation',
      resourceId: conversationId,
    });
  });
}

/** An answer that cannot be reached any more runs on, and is stored nowhere. */
async function stopAnswer(ctx: Pick<Context, 'streams' | 'log'>, messageId: string): Promise<void> {
  try {
    await ctx.streams.stop(messageId);
  } catch (error) {
    ctx.log.warn(
      { err: error, message: messageId },
      'an answer of a deleted conversation could not be stopped',
    );
  }
}
