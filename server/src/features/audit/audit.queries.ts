import { and, desc, eq, gte, lt } from 'drizzle-orm';
import { auditLogs } from '#db/schema/audit-logs.js';
import { projectMembers } from '#db/schema/projects.js';
import type { Database } from '#platform/database.js';

export type AuditLogRow = typeof auditLogs.$inferSelect;

/** What is not named is not asked for. */
export interface AuditFilter {
  projectId?: string | undefined;
  actorId?: string | undefined;
  action?: string | undefined;
  outcome?: 'done' | 'refused' | undefined;
  from?: Date | undefined;
  /** Up to, and without. */
  to?: Date | undefined;
}

/** Entries that fit all filters, newest first. @returns up to `limit + 1` rows */
export async function listAuditLogs(
  db: Database,
  filters: AuditFilter[],
  page: { beforeId: string | null; limit: number },
): Promise<AuditLogRow[]> {
  return db
    .select()
    .from(auditLogs)
    .where(and(...filters.map(fits), page.beforeId === null ? undefined : lt(auditLogs.id, page.beforeId)))
    .orderBy(desc(auditLogs.id))
    .limit(page.limit + 1);
}

function fits({ projectId, actorId, action, outcome, from, to }: AuditFilter) {
  return and(
    projectId === undefined ? undefined : eq(auditLogs.projectId, projectId),
    actorId === undefined ? undefined : eq(auditLogs.actorId, actorId),
    action === undefined ? undefined : eq(auditLogs.action, action),
    outcome === undefined ? undefined : eq(auditLogs.outcome, outcome),
    from === undefined ? undefined : gte(auditLogs.createdAt, from),
    to === undefined ? undefined : lt(auditLogs.createdAt, to),
  );
}

/** Whether what a user was refused is the project's business. */
export async function isProjectMember(db: Database, projectId: string, userId: string): Promise<boolean> {
  const where = and(eq(projectMembers.projectId, projectId), eq(projectMembers.userId, userId));
  return (await db.$count(projectMembers, where)) > 0;
}
