import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction, readInProject } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { type AnswerContext, answerQuestion } from './answer-question.js';
import type { AnswerSettings } from './answer-settings.js';
import { type MessageRow, findMessage } from './chat.queries.js';
import type { RAGResponse } from './generate-rag-response.js';
import { recallTurn } from './recall-turn.js';

/**
 * Answers the question of a message once more, from the sources as they are now, with what had been said before it.
 * The conversation stays as it is.
 * @throws AppError `not_found`, `unusable_content` for a question
 */
export async function replayMessage(
  ctx: AnswerContext & Pick<Context, 'afterCommit'>,
  scope: ProjectScope,
  input: { messageId: string; settings: AnswerSettings },
  signal: AbortSignal,
): Promise<{ original: MessageRow; replay: RAGResponse }> {
  const { original, turn } = await readInProject(ctx, scope, async (tx) => {
    const message = await findMessage(tx.db, scope, input.messageId);
    return { original: message, turn: await recallTurn(tx, scope, message.id) };
  });
  if (turn === null) {
    throw new AppError('unusable_content', 'Only answers can be replayed, and this message is a question.');
  }
  const { settings } = input;
  const { response } = await answerQuestion(ctx, scope, { ...turn, settings }, signal);
  await inProjectTransaction(ctx, scope, (tx) =>
    recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'message.replay',
      resourceType: 'message',
      resourceId: original.id,
      changes: { settings: Object.keys(settings), model: response.model },
    }),
  );
  return { original, replay: response };
}
