import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { changedFields } from '#features/audit/changed-fields.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { type ConversationRow, findConversation, updateConversationRow } from './chat.queries.js';

/** Opens or closes a conversation. @throws AppError `not_found` */
export function updateConversation(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  conversationId: string,
  input: { status: 'open' | 'closed' },
): Promise<ConversationRow> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const before = await findConversation(tx.db, scope, conversationId);
    const after = await updateConversationRow(tx.db, scope, conversationId, { status: input.status });
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'conversation.update',
      resourceType: 'conversation',
      resourceId: conversationId,
      changes: changedFields(before, after, ['status']),
    });
    return after;
  });
}
