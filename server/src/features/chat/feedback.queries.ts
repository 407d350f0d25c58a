import { and, desc, eq, lt } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { type Feedback, messages } from '#db/schema/conversations.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

/** @returns false when the message is gone */
export async function updateFeedback(
  db: Database,
  scope: ProjectScope,
  messageId: string,
  feedback: Feedback | null,
): Promise<boolean> {
  const rows = await db
    .update(messages)
    .set({ feedback })
    .where(and(eq(messages.projectId, scope.projectId), eq(messages.id, messageId)))
    .returning({ id: messages.id });
  return rows.length > 0;
}

/** The last question before an answer of the same conversation; null when there is none, or the answer is gone. */
export async function findQuestionBeforeOrNull(
  db: Database,
  scope: ProjectScope,
  answerId: string,
): Promise<{ id: string; conversationId: string; content: string } | null> {
  const answers = alias(messages, 'answers');
  const [row] = await db
    .select({ id: messages.id, conversationId: messages.conversationId, content: messages.content })
    .from(messages)
    .innerJoin(
      answers,
      and(
        eq(answers.projectId, messages.projectId),
        eq(answers.conversationId, messages.conversationId),
        eq(answers.role, 'assistant'),
        eq(answers.id, answerId),
      ),
    )
    .where(
      and(eq(messages.projectId, scope.projectId), eq(messages.role, 'user'), lt(messages.id, answers.id)),
    )
    .orderBy(desc(messages.id))
    .limit(1);
  return row ?? null;
}
