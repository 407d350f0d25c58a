import { and, asc, desc, eq, getTableColumns, gt, ilike, inArray, lt, or, sql } from 'drizzle-orm';
import { conversations, messages } from '#db/schema/conversations.js';
import { projects } from '#db/schema/projects.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';
import { isHeldByDeadProcess } from '#platform/processes/processes.queries.js';
import type { ProjectScope } from '#platform/scope.js';

export type ConversationRow = typeof conversations.$inferSelect;
export type MessageRow = typeof messages.$inferSelect;
export type ChatProject = typeof projects.$inferSelect;

/** @throws AppError `not_found` */
export async function findChatProject(db: Database, scope: ProjectScope): Promise<ChatProject> {
  const [row] = await db.select().from(projects).where(eq(projects.id, scope.projectId));
  if (row === undefined) throw new AppError('not_found', 'There is no such project.');
  return row;
}

export async function insertConversation(
  db: Database,
  conversation: typeof conversations.$inferInsert,
): Promise<ConversationRow> {
  const [row] = await db.insert(conversations).values(conversation).returning();
  if (row === undefined) throw new Error('insert returned no row');
  return row;
}

/** @throws AppError `not_found` */
export async function findConversation(
  db: Database,
  scope: ProjectScope,
  conversationId: string,
): Promise<ConversationRow> {
  const [row] = isId(conversationId)
    ? await db.select().from(conversations).where(isConversation(scope, conversationId))
    : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such conversation.');
  return row;
}

/** What the answers of a conversation have cost. */
export async function sumConversationUsage(
  db: Database,
  scope: ProjectScope,
  conversationId: string,
): Promise<{ chargedMessages: number; cost: string }> {
  const [row] = await db
    .select({
      chargedMessages: sql<number>`(count(*) filter (where ${messages.charged}))::int`,
      cost: sql<string>`coalesce(sum(${messages.cost}), 0)::numeric(18, 9)::text`,
    })
    .from(messages)
    .where(isMessageOf(scope, conversationId));
  return row ?? { chargedMessages: 0, cost: '0.000000000' };
}

/** Locks the conversation, so that its turns open one after the other. */
export async function lockConversation(
  db: Database,
  scope: ProjectScope,
  conversationId: string,
): Promise<void> {
  await db
    .select({ id: conversations.id })
    .from(conversations)
    .where(isConversation(scope, conversationId))
    .for('update');
}

export async function updateConversationRow(
  db: Database,
  scope: ProjectScope,
  conversationId: string,
  changes: Partial<
    Pick<
      ConversationRow,
      'status' | 'visitorId' | 'visitorEmail' | 'visitorPhone' | 'visitorName' | 'metadata' | 'updatedAt'
    >
  >,
): Promise<ConversationRow> {
  const [row] = await db
    .update(conversations)
    .set(changes)
    .where(isConversation(scope, conversationId))
    .returning();
  if (row === undefined) throw new AppError('not_found', 'There is no such conversation.');
  return row;
}

export async function deleteConversationRow(
  db: Database,
  scope: ProjectScope,
  conversationId: string,
): Promise<boolean> {
  const rows = await db
    .delete(conversations)
    .where(isConversation(scope, conversationId))
    .returning({ id: conversations.id });
  return rows.length > 0;
}

export function listConversations(
  db: Database,
  scope: ProjectScope,
  filter: {
    status: ConversationRow['status'] | null;
    text: string | null;
    beforeId: string | null;
    limit: number;
  },
): Promise<ConversationRow[]> {
  const pattern = filter.text === null ? null : `%${filter.text.replaceAll(/[\\%_]/g, '\\$&')}%`;
  const withText = db
    .select({ id: messages.conversationId })
    .from(messages)
    .where(and(eq(messages.projectId, scope.projectId), ilike(messages.content, pattern ?? '')));
  return db
    .select()
    .from(conversations)
    .where(
      and(
        eq(conversations.projectId, scope.projectId),
        filter.status === null ? undefined : eq(conversations.status, filter.status),
        filter.beforeId === null ? undefined : lt(conversations.id, filter.beforeId),
        pattern === null
          ? undefined
          : or(
              inArray(conversations.id, withText),
              ilike(conversations.visitorEmail, pattern),
              ilike(conversations.visitorName, pattern),
            ),
      ),
    )
    .orderBy(desc(conversations.id))
    .limit(filter.limit + 1);
}

/** Messages of a conversation, oldest first. */
export function listMessages(
  db: Database,
  scope: ProjectScope,
  filter: { conversationId: string; afterId: string | null; limit: number },
): Promise<MessageRow[]> {
  return db
    .select()
    .from(messages)
    .where(
      and(
        isMessageOf(scope, filter.conversationId),
        filter.afterId === null ? undefined : gt(messages.id, filter.afterId),
      ),
    )
    .orderBy(asc(messages.id))
    .limit(filter.limit + 1);
}

/** The last messages before a turn, oldest first. */
export async function listHistory(
  db: Database,
  scope: ProjectScope,
  filter: { conversationId: string; beforeId: string; limit: number },
): Promise<Pick<MessageRow, 'role' | 'content' | 'status' | 'refusal' | 'citations'>[]> {
  const { role, content, status, refusal, citations } = getTableColumns(messages);
  const rows = await db
    .select({ role, content, status, refusal, citations })
    .from(messages)
    .where(and(isMessageOf(scope, filter.conversationId), lt(messages.id, filter.beforeId)))
    .orderBy(desc(messages.id))
    .limit(filter.limit);
  return rows.toReversed();
}

export async function insertMessages(db: Database, rows: (typeof messages.$inferInsert)[]): Promise<void> {
  await db.insert(messages).values(rows);
}

/** @throws AppError `not_found` */
export async function findMessage(db: Database, scope: ProjectScope, messageId: string): Promise<MessageRow> {
  const [row] = isId(messageId)
    ? await db
        .select()
        .from(messages)
        .where(and(eq(messages.projectId, scope.projectId), eq(messages.id, messageId)))
    : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such message.');
  return row;
}

export async function findStreamingMessageOrNull(
  db: Database,
  scope: ProjectScope,
  conversationId: string,
  ownProcessId: string,
): Promise<{ id: string; createdAt: Date; isOrphaned: boolean } | null> {
  const [row] = await db
    .select({
      id: messages.id,
      createdAt: messages.createdAt,
      isOrphaned: isHeldByDeadProcess(messages.processId, ownProcessId),
    })
    .from(messages)
    .where(and(isMessageOf(scope, conversationId), eq(messages.status, 'streaming')));
  return row ?? null;
}

function isConversation(scope: ProjectScope, conversationId: string) {
  return and(eq(conversations.projectId, scope.projectId), eq(conversations.id, conversationId));
}

function isMessageOf(scope: ProjectScope, conversationId: string) {
  return and(eq(messages.projectId, scope.projectId), eq(messages.conversationId, conversationId));
}
