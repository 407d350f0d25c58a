import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import { listHistory } from './chat.queries.js';
import { findQuestionBeforeOrNull } from './feedback.queries.js';
import { HISTORY_MESSAGES, type Turn, answeredTurns } from './open-turn.js';

/** The question that a message answers, with what had been said before; null where there is none, or none any more. */
export function recallTurn(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  answerId: string,
): Promise<Pick<Turn, 'question' | 'history'> | null> {
  return readInProject(ctx, scope, async (tx) => {
    const question = await findQuestionBeforeOrNull(tx.db, scope, answerId);
    if (question === null) return null;
    const history = await listHistory(tx.db, scope, {
      conversationId: question.conversationId,
      beforeId: question.id,
      limit: HISTORY_MESSAGES,
    });
    return { question: question.content, history: answeredTurns(history) };
  });
}
