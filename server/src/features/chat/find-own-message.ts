import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { type MessageRow, findMessage } from './chat.queries.js';
import { isConversationToken } from './conversation-token.js';

/**
 * A message that the caller may reach: a member any of the project, a visitor those of the conversation whose token
 * it has.
 * @throws AppError `not_found`, also for a wrong token: whether the message exists is not revealed
 */
export async function findOwnMessage(
  ctx: Pick<Context, 'db' | 'config'>,
  scope: ProjectScope,
  input: { messageId: string; conversationToken: string | null },
): Promise<MessageRow> {
  const message = await findMessage(ctx.db, scope, input.messageId);
  const { conversationToken: token } = input;
  const isOwn =
    scope.memberRole !== null || (token !== null && isConversationToken(ctx, message.conversationId, token));
  if (!isOwn) throw new AppError('not_found', 'There is no such message.');
  return message;
}
