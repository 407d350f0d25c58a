import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { redactPersonalData } from '#rag/redact-personal-data.js';
import { inProjectTransaction } from '#platform/transaction.js';
import {
  type ChatProject,
  type ConversationRow,
  findChatProject,
  findStreamingMessageOrNull,
  insertConversation,
  insertMessages,
  listHistory,
  lockConversation,
  updateConversationRow,
} from './chat.queries.js';
import type { ChatInput } from './chat.schemas.js';
import { LONGEST_TURN_MS, type Reservation, reserveMessage } from '#features/usage/reserve-message.js';
import { closeTurn } from './close-turn.js';
import { findOwnConversation } from './find-own-conversation.js';

export const HISTORY_MESSAGES = 12;
const RETRY_SECONDS = 2;

export interface Turn {
  project: ChatProject;
  conversationId: string;
  /** The answer's message, `streaming` until the turn closes. */
  messageId: string;
  tier: 'mini' | 'premium';
  question: string;
  /** What is paid for it; null where the model costs nothing. */
  reservation: Reservation | null;
  /** Questions with their answers; `titles`: of the documents that an answer cites. */
  history: { role: 'user' | 'assistant'; content: string; titles?: string[] }[];
}

/**
 * Stores a question and the place of its answer, in the caller's conversation or a new one.
 * @throws AppError `not_found`; `conflict` while the conversation's last answer is being written;
 * `usage_limit_exceeded`, and then nothing is stored
 */
export function openTurn(
  ctx: Pick<Context, 'db' | 'config' | 'clock' | 'afterCommit' | 'processId' | 'chatModel' | 'dispatchJob'>,
  scope: ProjectScope,
  input: ChatInput,
): Promise<Turn> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const project = await findChatProject(tx.db, scope);
    const conversation = await openConversation(tx, scope, input);
    await endPreviousTurn(tx, scope, conversation.id);
    const questionId = newId();
    const messageId = newId();
    const { projectId } = scope;
    const conversationId = conversation.id;
    const tier = input.model ?? project.defaultModel;
    const question = project.redactPersonalData ? redactPersonalData(input.message) : input.message;
    const history = await listHistory(tx.db, scope, {
      conversationId,
      beforeId: questionId,
      limit: HISTORY_MESSAGES,
    });
    const { processId } = tx;
    const both = { projectId, conversationId };
    await insertMessages(tx.db, [
      { ...both, id: questionId, role: 'user', content: question, status: 'complete' },
      { ...both, id: messageId, role: 'assistant', content: '', status: 'streaming', tier, processId },
    ]);
    // Last: the account's other questions wait for it from here on.
    const reservation = ctx.chatModel.isBuiltin
      ? null
      : await reserveMessage(tx, scope, {
          messageId,
          userId: project.ownerId,
          tier,
          fallbackMessage: project.fallbackMessage,
        });
    return {
      project,
      conversationId,
      messageId,
      tier,
      question,
      reservation,
      history: answeredTurns(history),
    };
  });
}

/** Questions with their answers: what was refused or failed tells a model nothing. */
export function answeredTurns(history: Awaited<ReturnType<typeof listHistory>>): Turn['history'] {
  return history.flatMap((question, index) => {
    const answer = history[index + 1];
    if (question.role !== 'user' || answer?.role !== 'assistant') return [];
    const isAnswered = answer.refusal === null && answer.content !== '' && answer.status !== 'failed';
    if (!isAnswered) return [];
    const titles = [...new Set(answer.citations.map(({ title }) => title))];
    return [
      { role: 'user', content: question.content },
      { role: 'assistant', content: answer.content, titles },
    ];
  });
}

async function openConversation(
  tx: Pick<Context, 'db' | 'config' | 'clock'>,
  scope: ProjectScope,
  input: ChatInput,
): Promise<ConversationRow> {
  const { visitor } = input;
  const known = {
    ...(visitor?.id === undefined ? {} : { visitorId: visitor.id }),
    ...(visitor?.email === undefined ? {} : { visitorEmail: visitor.email }),
    ...(visitor?.phone === undefined ? {} : { visitorPhone: visitor.phone }),
    ...(visitor?.name === undefined ? {} : { visitorName: visitor.name }),
    ...(visitor?.metadata === undefined ? {} : { metadata: visitor.metadata }),
  };
  if (input.conversationId === undefined) {
    const userId = scope.actor.type === 'user' ? scope.actor.userId : null;
    return insertConversation(tx.db, { id: newId(), projectId: scope.projectId, userId, ...known });
  }
  const { conversationId, conversationToken = null } = input;
  const conversation = await findOwnConversation(tx, scope, { conversationId, conversationToken });
  await lockConversation(tx.db, scope, conversation.id);
  return updateConversationRow(tx.db, scope, conversation.id, { ...known, updatedAt: tx.clock.now() });
}

/** Questions and answers of a conversation alternate: a second question waits for the first answer. */
async function endPreviousTurn(
  tx: Pick<Context, 'db' | 'clock' | 'config' | 'afterCommit' | 'processId' | 'dispatchJob'>,
  scope: ProjectScope,
  conversationId: string,
): Promise<void> {
  const running = await findStreamingMessageOrNull(tx.db, scope, conversationId, tx.processId);
  if (running === null) return;
  const isLate = tx.clock.now().getTime() - running.createdAt.getTime() >= LONGEST_TURN_MS;
  if (!running.isOrphaned && !isLate) {
    throw new AppError('conflict', 'The last question of this conversation is still being answered.', {
      retryAfterSeconds: RETRY_SECONDS,
    });
  }
  await closeTurn(tx, scope, { messageId: running.id, reservation: null }, { status: 'failed' });
}
