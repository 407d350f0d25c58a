import { and, eq, inArray, notExists, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { conversations, messageTraces, messages } from '#db/schema/conversations.js';
import { leads } from '#db/schema/leads.js';
import { type Retention, projects } from '#db/schema/projects.js';
import type { Database } from '#platform/database.js';

/** Of all projects at once: what is older than its project keeps it, at most `limit` rows. */
interface Outdated {
  now: Date;
  limit: number;
}

/** Conversations in which nothing was said for as long. @returns the project of each */
export async function deleteOutdatedConversations(
  db: Database,
  { now, limit }: Outdated,
): Promise<{ projectId: string }[]> {
  const running = db
    .select({ id: messages.id })
    .from(messages)
    .where(
      and(
        eq(messages.projectId, conversations.projectId),
        eq(messages.conversationId, conversations.id),
        eq(messages.status, 'streaming'),
      ),
    );
  const outdated = db
    .select({ id: conversations.id })
    .from(conversations)
    .innerJoin(projects, eq(projects.id, conversations.projectId))
    .where(and(isOutdated('conversations', conversations.updatedAt, now), notExists(running)))
    .limit(limit);
  return db
    .delete(conversations)
    .where(inArray(conversations.id, outdated))
    .returning({ projectId: conversations.projectId });
}

/** Leads that said nothing new for as long. @returns the project of each */
export async function deleteOutdatedLeads(
  db: Database,
  { now, limit }: Outdated,
): Promise<{ projectId: string }[]> {
  const outdated = db
    .select({ id: leads.id })
    .from(leads)
    .innerJoin(projects, eq(projects.id, leads.projectId))
    .where(isOutdated('leads', leads.updatedAt, now))
    .limit(limit);
  return db.delete(leads).where(inArray(leads.id, outdated)).returning({ projectId: leads.projectId });
}

/** @returns the project of each */
export async function deleteOutdatedTraces(
  db: Database,
  { now, limit }: Outdated,
): Promise<{ projectId: string }[]> {
  const outdated = db
    .select({ id: messageTraces.messageId })
    .from(messageTraces)
    .innerJoin(projects, eq(projects.id, messageTraces.projectId))
    .where(isOutdated('traces', messageTraces.createdAt, now))
    .limit(limit);
  return db
    .delete(messageTraces)
    .where(inArray(messageTraces.messageId, outdated))
    .returning({ projectId: messageTraces.projectId });
}

/** A project that says nothing keeps everything: the comparison with null is not true. */
function isOutdated(name: keyof Retention, changedAt: PgColumn, now: Date) {
  const days = sql`coalesce((${projects.retention} ->> ${name}::text)::int, ${projects.retentionDays})`;
  return sql`${changedAt} < ${now}::timestamptz - make_interval(days => ${days})`;
}
