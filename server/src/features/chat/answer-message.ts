import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { retryWhileUnavailable } from '#platform/retry-while-unavailable.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import type { Citation } from '#db/schema/conversations.js';
import { meterAnswer } from '#features/usage/meter-answer.js';
import { type MessageRow, findMessage } from './chat.queries.js';
import type { ChatInput } from './chat.schemas.js';
import { type TurnEnd, closeTurn } from './close-turn.js';
import { conversationToken } from './conversation-token.js';
import { generateRAGResponse } from './generate-rag-response.js';
import { type Turn, openTurn } from './open-turn.js';

export type AnswerEvent =
  | { type: 'start'; conversationId: string; conversationToken: string; messageId: string }
  | { type: 'delta'; text: string }
  | { type: 'citations'; citations: Citation[] }
  | { type: 'done'; conversationId: string; conversationToken: string; message: MessageRow }
  | { type: 'error'; error: unknown };

/**
 * One turn of a conversation: every protocol is a translation of these events. `start` comes when the question is
 * stored; then the answer, and one `done` or `error`. When `signal` fires or the reader leaves, what there is of the
 * answer is stored as incomplete.
 * @throws AppError before `start` alone
 */
export async function* answerMessage(
  ctx: Context,
  scope: ProjectScope,
  input: ChatInput,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  const turn = await openTurn(ctx, scope, input);
  const { conversationId, messageId } = turn;
  const token = conversationToken(ctx, conversationId);
  const leave = new AbortController();
  let shown = '';
  let end: TurnEnd | null = null;
  let isClosed = false;
  try {
    yield { type: 'start', conversationId, conversationToken: token, messageId };
    for await (const event of generateRAGResponse(
      ctx,
      scope,
      turn,
      AbortSignal.any([signal, leave.signal]),
    )) {
      if (event.type === 'response') {
        end = event.response;
        continue;
      }
      shown += event.text;
      yield event;
    }
    const closed = await endTurn(ctx, scope, turn, end ?? { status: 'incomplete', content: shown });
    isClosed = true;
    if (closed === null) {
      yield { type: 'error', error: await whyNotStored(ctx, scope, messageId) };
      return;
    }
    yield { type: 'citations', citations: closed.citations };
    yield { type: 'done', conversationId, conversationToken: token, message: closed };
  } catch (error) {
    if (!signal.aborted)
      ctx.log.error({ err: error, project: scope.projectId, message: messageId }, 'an answer failed');
    const status = signal.aborted ? 'incomplete' : 'failed';
    // From here on it has failed, whatever there was: nobody is told otherwise later.
    const failed: TurnEnd = { status, content: shown };
    end = failed;
    const closed = await retryWhileUnavailable(() => closeTurn(ctx, scope, turn, failed)).catch(() => null);
    isClosed = closed !== null;
    ctx.metrics.answers.inc({ outcome: status });
    if (closed === null || status === 'failed') yield { type: 'error', error };
    else yield { type: 'done', conversationId, conversationToken: token, message: closed };
  } finally {
    leave.abort();
    if (!isClosed) {
      // Nobody is left to tell; the sweep ends a turn that could not be closed.
      await endTurn(ctx, scope, turn, end ?? { status: 'incomplete', content: shown }).catch(
        (error: unknown) =>
          ctx.log.error(
            { err: error, project: scope.projectId, message: messageId },
            'a turn could not be closed',
          ),
      );
    }
  }
}

/** An answer that had been closed before it ended. */
async function whyNotStored(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  messageId: string,
): Promise<unknown> {
  try {
    await readInProject(ctx, scope, (tx) => findMessage(tx.db, scope, messageId));
  } catch {
    return new AppError('not_found', 'The conversation was deleted in the meantime.');
  }
  return new AppError(
    'unavailable',
    'The server was out of touch and gave this answer up. Please ask again.',
    {
      retryAfterSeconds: 1,
    },
  );
}

async function endTurn(
  ctx: Context,
  scope: ProjectScope,
  turn: Turn,
  end: TurnEnd,
): Promise<MessageRow | null> {
  const row = await retryWhileUnavailable(() => closeTurn(ctx, scope, turn, end));
  const outcome = row?.refusal === null ? row.status : (row?.refusal.reason ?? 'deleted');
  ctx.metrics.answers.inc({ outcome });
  if (row !== null) meterAnswer(ctx, { ...row, tier: turn.tier });
  return row;
}
