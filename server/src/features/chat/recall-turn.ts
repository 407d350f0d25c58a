import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { listHistory } from './chat.queries.js';
import { findQuestionBeforeOrNull } from './feedback.queries.js';
import { HISTORY_MESSAGES, type Turn, answeredTurns } from './open-turn.js';

/** The question that a message answers, with what had been said before; null where there is none, or none any more. */
export async function recallTurn(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  answerId: string,
): Promise<Pick<Turn, 'question' | 'history'> | null> {
  const question = await findQuestionBeforeOrNull(ctx.db, scope, answerId);
  if (question === null) return null;
  const history = await listHistory(ctx.db, scope, {
    conversationId: question.conversationId,
    beforeId: question.id,
    limit: HISTORY_MESSAGES,
  });
  return { question: question.content, history: answeredTurns(history) };
}
