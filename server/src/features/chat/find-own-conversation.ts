import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { type ConversationRow, findConversation } from './chat.queries.js';
import { isConversationToken } from './conversation-token.js';

/**
 * A conversation that the caller may go on with: a member any of the project, a visitor the one whose token it has.
 * @throws AppError `not_found`, also for a wrong token: whether the conversation exists is not revealed
 */
export async function findOwnConversation(
  ctx: Pick<Context, 'db' | 'config'>,
  scope: ProjectScope,
  input: { conversationId: string; conversationToken: string | null },
): Promise<ConversationRow> {
  const { conversationId, conversationToken: token } = input;
  const isOwn =
    scope.memberRole !== null || (token !== null && isConversationToken(ctx, conversationId, token));
  if (!isOwn) throw new AppError('not_found', 'There is no such conversation.');
  return findConversation(ctx.db, scope, conversationId);
}
