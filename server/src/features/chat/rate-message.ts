import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { updateFeedback } from './feedback.queries.js';
import type { FeedbackInput } from './chat.schemas.js';
import { findOwnMessage } from './find-own-message.js';

/**
 * Rates an answer; a later rating replaces the one before, and null takes it back.
 * @throws AppError `not_found`, `unusable_content` for a question
 */
export function rateMessage(
  ctx: Pick<Context, 'db' | 'config' | 'clock' | 'afterCommit'>,
  scope: ProjectScope,
  input: FeedbackInput & { messageId: string; conversationToken: string | null },
): Promise<void> {
  const { rating, comment = null } = input;
  return inProjectTransaction(ctx, scope, async (tx) => {
    const message = await findOwnMessage(tx, scope, input);
    if (message.role !== 'assistant') {
      throw new AppError('unusable_content', 'Only answers can be rated, and this message is a question.');
    }
    const createdAt = tx.clock.now().toISOString();
    const feedback = rating === null ? null : { rating, comment, createdAt };
    if (!(await updateFeedback(tx.db, scope, message.id, feedback))) {
      throw new AppError('not_found', 'There is no such message.');
    }
    // What was written with it stays out of the log.
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'message.feedback',
      resourceType: 'message',
      resourceId: message.id,
      changes: { rating: { before: message.feedback?.rating ?? null, after: rating } },
    });
  });
}
