import type { z } from 'zod';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import { forgetAnswers } from '#platform/http/forget-answers.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import type { EraseVisitorInput, erasureSchema } from './data-rights.schemas.js';
import {
  countMessagesOf,
  deleteConversationsById,
  deleteLeadsOf,
  deleteLeadsOfConversations,
  deleteTestCasesOf,
  lockConversationsOf,
} from './erasure.queries.js';

/**
 * Erases all that a project holds of a visitor: its conversations with messages, ratings and traces, its leads, test
 * cases made from its questions, and answers kept for an `Idempotency-Key`. A conversation or lead that has one of
 * the given marks is the visitor's.
 * @returns the receipt
 */
export function eraseVisitor(
  ctx: Pick<Context, 'db' | 'clock' | 'config' | 'streams' | 'log' | 'afterCommit'>,
  scope: ProjectScope,
  input: EraseVisitorInput,
): Promise<z.infer<typeof erasureSchema>> {
  const { email = null, phone = null, visitorId = null } = input;
  const visitor = { email, phone, visitorId };
  return inProjectTransaction(ctx, scope, async (tx) => {
    // Leads before conversations, in the order in which a new lead locks them.
    const leads = await deleteLeadsOf(tx.db, scope, visitor);
    const leftIn = leads.flatMap(({ conversationId }) => conversationId ?? []);
    const conversationIds = await lockConversationsOf(tx.db, scope, visitor, leftIn);
    leads.push(
      ...(await deleteLeadsOfConversations(tx.db, scope, conversationIds)).map(({ id }) => ({
        id,
        conversationId: null,
      })),
    );
    const found = await countMessagesOf(tx.db, scope, conversationIds);
    await deleteTestCasesOf(tx.db, scope, found.ids);
    await deleteConversationsById(tx.db, scope, conversationIds);
    await forgetAnswers(tx, {
      path: `/v1/projects/${scope.projectId.toLowerCase()}/`,
      ids: new Set([...conversationIds, ...found.ids, ...leads.map(({ id }) => id)]),
    });
    for (const messageId of found.streamingIds) tx.afterCommit(() => void stopAnswer(ctx, messageId));
    const id = newId();
    const counts = {
      conversations: conversationIds.length,
      messages: found.messages,
      traces: found.traces,
      feedback: found.feedback,
      leads: leads.length,
      files: 0,
    };
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'visitor.erase',
      resourceType: 'erasure',
      resourceId: id,
      changes: { by: masked(visitor), counts },
    });
    return { id, erasedAt: tx.clock.now().toISOString(), counts };
  });
}

/** An answer in the making is stored nowhere any more. */
async function stopAnswer(ctx: Pick<Context, 'streams' | 'log'>, messageId: string): Promise<void> {
  try {
    await ctx.streams.stop(messageId);
  } catch (error) {
    ctx.log.warn({ err: error, message: messageId }, 'an answer to an erased visitor could not be stopped');
  }
}

/** Enough for whoever knows the address to see that this was it, and not enough to tell it to others. */
function masked({ email, phone, visitorId }: Record<keyof EraseVisitorInput, string | null>): object {
  return {
    ...(email === null ? {} : { email: `${email.slice(0, 1)}***@***${email.slice(email.lastIndexOf('.'))}` }),
    ...(phone === null ? {} : { phone: `***${phone.slice(-2)}` }),
    ...(visitorId === null ? {} : { visitorId: '***' }),
  };
}
