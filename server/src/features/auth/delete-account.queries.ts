import { eq, inArray, sql } from 'drizzle-orm';
import type { AnyPgColumn, PgTable } from 'drizzle-orm/pg-core';
import { conversations, messages } from '#db/schema/conversations.js';
import { documents } from '#db/schema/documents.js';
import { idempotencyKeys } from '#db/schema/idempotency-keys.js';
import { leads } from '#db/schema/leads.js';
import { projectMembers, projects } from '#db/schema/projects.js';
import { sources } from '#db/schema/sources.js';
import { sessions, users } from '#db/schema/users.js';
import { apiKeys } from '#db/schema/api-keys.js';
import type { Database } from '#platform/database.js';

/** Locks the projects that a user pays for. @returns their ids */
export async function lockOwnedProjectIds(db: Database, userId: string): Promise<string[]> {
  const rows = await db
    .select({ id: projects.id })
    .from(projects)
    .where(eq(projects.ownerId, userId))
    .orderBy(projects.id)
    .for('update');
  return rows.map(({ id }) => id);
}

/** How much of each thing goes with an account and its projects. */
export async function countErased(
  db: Database,
  account: { userId: string; projectIds: string[] },
): Promise<Record<string, number>> {
  const ofProjects = async (table: PgTable & { projectId: AnyPgColumn }) =>
    account.projectIds.length === 0 ? 0 : db.$count(table, inArray(table.projectId, account.projectIds));
  const ofUser = (table: PgTable & { userId: AnyPgColumn }) =>
    db.$count(table, eq(table.userId, account.userId));
  return {
    projects: account.projectIds.length,
    sources: await ofProjects(sources),
    documents: await ofProjects(documents),
    conversations: await ofProjects(conversations),
    messages: await ofProjects(messages),
    leads: await ofProjects(leads),
    memberships: await ofUser(projectMembers),
    sessions: await ofUser(sessions),
    apiKeys: await ofUser(apiKeys),
  };
}

/** Deletes an account; whatever refers to it goes too. */
export async function deleteUserRow(db: Database, userId: string): Promise<void> {
  // Answers kept for an Idempotency-Key belong to who asked: `<method> <path> user <id>`.
  await db.delete(idempotencyKeys).where(sql`${idempotencyKeys.scope} like ${`% user ${userId}`}`);
  await db.delete(users).where(eq(users.id, userId));
}
