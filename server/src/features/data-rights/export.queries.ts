import { and, asc, eq, getTableColumns, gt, sql } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { auditLogs } from '#db/schema/audit-logs.js';
import { projectMembers, projects } from '#db/schema/projects.js';
import { sessions, users } from '#db/schema/users.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

/** A row as it is exported: by the names of the schema, in JSON. */
export type ExportedRow = Record<string, unknown>;

/** A table of a project or an account: what of it is exported, and by which column it is read page after page. */
export interface ExportedTable {
  table: PgTable;
  /** The column of the project, or of the account, that its rows are of. */
  owner: PgColumn;
  key: PgColumn;
  /** Named one by one, so that a column that is new and secret is not exported by itself. */
  columns: Record<string, PgColumn>;
}

/** Rows of a table of the project, in the order of its key. */
export function listExportedRows(
  db: Database,
  scope: ProjectScope,
  of: ExportedTable,
  page: { afterKey: string | null; limit: number },
): Promise<{ key: string; row: ExportedRow }[]> {
  return listRowsOf(db, scope.projectId, of, page);
}

/** Rows of a table of the account, in the order of its key. */
export function listExportedAccountRows(
  db: Database,
  userId: string,
  of: ExportedTable,
  page: { afterKey: string | null; limit: number },
): Promise<{ key: string; row: ExportedRow }[]> {
  return listRowsOf(db, userId, of, page);
}

async function listRowsOf(
  db: Database,
  ownerId: string,
  of: ExportedTable,
  page: { afterKey: string | null; limit: number },
): Promise<{ key: string; row: ExportedRow }[]> {
  const rows = await db
    .select({ ...of.columns, exportKey: sql<string>`${of.key}` })
    .from(of.table)
    .where(and(eq(of.owner, ownerId), page.afterKey === null ? undefined : gt(of.key, page.afterKey)))
    .orderBy(asc(of.key))
    .limit(page.limit);
  return rows.map(({ exportKey, ...row }) => ({ key: exportKey, row }));
}

/** The account without its password; null: it is gone. */
export async function findExportedAccountOrNull(db: Database, userId: string): Promise<ExportedRow | null> {
  const { passwordHash: _secret, ...columns } = getTableColumns(users);
  const [row] = await db.select(columns).from(users).where(eq(users.id, userId));
  return row ?? null;
}

export async function listExportedSessions(
  db: Database,
  userId: string,
  page: { afterKey: string | null; limit: number },
): Promise<{ key: string; row: ExportedRow }[]> {
  const rows = await db
    .select()
    .from(sessions)
    .where(
      and(eq(sessions.userId, userId), page.afterKey === null ? undefined : gt(sessions.id, page.afterKey)),
    )
    .orderBy(asc(sessions.id))
    .limit(page.limit);
  return rows.map((row) => ({ key: row.id, row }));
}

/** What the user did, wherever it was. */
export async function listExportedActs(
  db: Database,
  userId: string,
  page: { afterKey: string | null; limit: number },
): Promise<{ key: string; row: ExportedRow }[]> {
  const { id, projectId, action, outcome, resourceType, resourceId, ip, userAgent, createdAt } = auditLogs;
  const rows = await db
    .select({ id, projectId, action, outcome, resourceType, resourceId, ip, userAgent, createdAt })
    .from(auditLogs)
    .where(
      and(
        eq(auditLogs.actorId, userId),
        eq(auditLogs.actorType, 'user'),
        page.afterKey === null ? undefined : gt(auditLogs.id, page.afterKey),
      ),
    )
    .orderBy(asc(auditLogs.id))
    .limit(page.limit);
  return rows.map((row) => ({ key: row.id, row }));
}

/** Which projects the user is a member of. */
export async function listExportedMemberships(
  db: Database,
  userId: string,
  page: { afterKey: string | null; limit: number },
): Promise<{ key: string; row: ExportedRow }[]> {
  const { projectId, role, createdAt } = projectMembers;
  const rows = await db
    .select({ projectId, role, createdAt })
    .from(projectMembers)
    .where(
      and(
        eq(projectMembers.userId, userId),
        page.afterKey === null ? undefined : gt(projectMembers.projectId, page.afterKey),
      ),
    )
    .orderBy(asc(projectMembers.projectId))
    .limit(page.limit);
  return rows.map((row) => ({ key: row.projectId, row }));
}

export async function listOwnedProjectIds(
  db: Database,
  userId: string,
  page: { afterKey: string | null; limit: number },
): Promise<string[]> {
  const rows = await db
    .select({ id: projects.id })
    .from(projects)
    .where(
      and(eq(projects.ownerId, userId), page.afterKey === null ? undefined : gt(projects.id, page.afterKey)),
    )
    .orderBy(asc(projects.id))
    .limit(page.limit);
  return rows.map(({ id }) => id);
}
