import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { deleteConversationRow } from './chat.queries.js';

/** Deletes a conversation with its messages; its token dies with it. @throws AppError `not_found` */
export function deleteConversation(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  conversationId: string,
): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const isDeleted = isId(conversationId) && (await deleteConversationRow(tx.db, scope, conversationId));
    if (!isDeleted) throw new AppError('not_found', 'There is no such conversation.');
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'conversation.delete',
      resourceType: 'conversation',
      resourceId: conversationId,
    });
  });
}
