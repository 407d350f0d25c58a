import { type SQL, and, eq, or, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { conversations, messageTraces, messages } from '#db/schema/conversations.js';
import { evaluationResults, testCases } from '#db/schema/evaluation.js';
import { leads } from '#db/schema/leads.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

/** Normalised; at least one of them. */
export interface VisitorMark {
  email: string | null;
  phone: string | null;
  visitorId: string | null;
}

/** @returns the leads, and the conversations that they were left in */
export async function deleteLeadsOf(
  db: Database,
  scope: ProjectScope,
  visitor: VisitorMark,
): Promise<{ id: string; conversationId: string | null }[]> {
  const { email, phone, visitorId } = visitor;
  const isOfVisitor = or(
    email === null ? undefined : eq(leads.email, email),
    phone === null ? undefined : hasPhone(leads.phone, phone),
    visitorId === null ? undefined : eq(leads.visitorId, visitorId),
  );
  return db
    .delete(leads)
    .where(and(eq(leads.projectId, scope.projectId), isOfVisitor))
    .returning({ id: leads.id, conversationId: leads.conversationId });
}

export function deleteLeadsOfConversations(
  db: Database,
  scope: ProjectScope,
  conversationIds: string[],
): Promise<{ id: string }[]> {
  return db
    .delete(leads)
    .where(and(eq(leads.projectId, scope.projectId), isAny(leads.conversationId, conversationIds)))
    .returning({ id: leads.id });
}

/** Conversations of a visitor, and these; locked, so that no turn begins in them. */
export async function lockConversationsOf(
  db: Database,
  scope: ProjectScope,
  visitor: VisitorMark,
  alsoIds: string[],
): Promise<string[]> {
  const { email, phone, visitorId } = visitor;
  const isOfVisitor = or(
    // As the visitor wrote them.
    email === null ? undefined : eq(sql`lower(trim(${conversations.visitorEmail}))`, email),
    phone === null ? undefined : hasPhone(conversations.visitorPhone, phone),
    visitorId === null ? undefined : eq(conversations.visitorId, visitorId),
    isAny(conversations.id, alsoIds),
  );
  const rows = await db
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(eq(conversations.projectId, scope.projectId), isOfVisitor))
    .orderBy(conversations.id)
    .for('update');
  return rows.map(({ id }) => id);
}

export async function countMessagesOf(
  db: Database,
  scope: ProjectScope,
  conversationIds: string[],
): Promise<{ messages: number; feedback: number; traces: number; ids: string[]; streamingIds: string[] }> {
  const rows = await db
    .select({
      id: messages.id,
      isRated: sql<boolean>`${messages.feedback} is not null`,
      isTraced: sql<boolean>`${messageTraces.messageId} is not null`,
      status: messages.status,
    })
    .from(messages)
    .leftJoin(
      messageTraces,
      and(eq(messageTraces.projectId, messages.projectId), eq(messageTraces.messageId, messages.id)),
    )
    .where(isMessageOf(scope, conversationIds));
  return {
    messages: rows.length,
    feedback: rows.filter(({ isRated }) => isRated).length,
    traces: rows.filter(({ isTraced }) => isTraced).length,
    ids: rows.map(({ id }) => id),
    streamingIds: rows.filter(({ status }) => status === 'streaming').map(({ id }) => id),
  };
}

/** Test cases made from messages, with what runs have made of them: they hold the visitor's question. */
export async function deleteTestCasesOf(
  db: Database,
  scope: ProjectScope,
  messageIds: string[],
): Promise<void> {
  const cases = await db
    .delete(testCases)
    .where(and(eq(testCases.projectId, scope.projectId), isAny(testCases.messageId, messageIds)))
    .returning({ id: testCases.id });
  await db.delete(evaluationResults).where(
    and(
      eq(evaluationResults.projectId, scope.projectId),
      isAny(
        evaluationResults.testCaseId,
        cases.map(({ id }) => id),
      ),
    ),
  );
}

/** With their messages and traces. */
export async function deleteConversationsById(
  db: Database,
  scope: ProjectScope,
  conversationIds: string[],
): Promise<void> {
  await db
    .delete(conversations)
    .where(and(eq(conversations.projectId, scope.projectId), isAny(conversations.id, conversationIds)));
}

function isMessageOf(scope: ProjectScope, conversationIds: string[]) {
  return and(eq(messages.projectId, scope.projectId), isAny(messages.conversationId, conversationIds));
}

/** One parameter, however many there are. */
function isAny(column: PgColumn, ids: string[]): SQL {
  return sql`${column} = any(${sql.param(ids)}::uuid[])`;
}

/** The same number, however it was written. @param phone normalised */
function hasPhone(column: PgColumn, phone: string): SQL {
  const digits = sql`regexp_replace(regexp_replace(${column}, '\\(0\\)', '', 'g'), '[^0-9]', '', 'g')`;
  return sql`regexp_replace(${digits}, '^00', '') = ${phone.replace('+', '')}`;
}
