import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { projectMembers, projects } from '#db/schema/projects.js';
import { AppError } from '#kernel/app-error.js';
import type { Database } from '#platform/database.js';
import type { MemberRole, ProjectScope } from '#platform/scope.js';

export type ProjectRow = typeof projects.$inferSelect;
export type ProjectChanges = Partial<Omit<typeof projects.$inferInsert, 'id' | 'ownerId' | 'createdAt'>>;

/** On the plan of the account that pays for it. */
export async function insertProject(
  db: Database,
  project: Omit<typeof projects.$inferInsert, 'plan'>,
): Promise<ProjectRow> {
  const plan = sql`(select plan from users where id = ${project.ownerId})`;
  const [row] = await db
    .insert(projects)
    .values({ ...project, plan })
    .returning();
  if (row === undefined) throw new Error('insert returned no row');
  await db.insert(projectMembers).values({ projectId: row.id, userId: row.ownerId, role: 'owner' });
  return row;
}

export async function findMemberRoleOrNull(
  db: Database,
  projectId: string,
  userId: string,
): Promise<MemberRole | null> {
  const [row] = await db
    .select({ role: projectMembers.role })
    .from(projectMembers)
    .where(and(eq(projectMembers.projectId, projectId), eq(projectMembers.userId, userId)));
  return row?.role ?? null;
}

/** What decides whether a visitor may talk to a project, read before there is a scope. */
export async function findVisitorPolicyOrNull(
  db: Database,
  projectId: string,
): Promise<Pick<ProjectRow, 'isPublic' | 'allowedOrigins'> | null> {
  const [row] = await db
    .select({ isPublic: projects.isPublic, allowedOrigins: projects.allowedOrigins })
    .from(projects)
    .where(eq(projects.id, projectId));
  return row ?? null;
}

/** @throws AppError `not_found` when the project was deleted after its scope was minted */
export async function findProject(db: Database, scope: ProjectScope): Promise<ProjectRow> {
  const [row] = await db.select().from(projects).where(eq(projects.id, scope.projectId));
  if (row === undefined) throw new AppError('not_found', 'There is no such project.');
  return row;
}

export async function listProjectsOfUser(
  db: Database,
  userId: string,
  page: { onlyId: string | null; beforeId: string | null; limit: number },
): Promise<ProjectRow[]> {
  const rows = await db
    .select({ project: projects })
    .from(projectMembers)
    .innerJoin(projects, eq(projects.id, projectMembers.projectId))
    .where(
      and(
        eq(projectMembers.userId, userId),
        page.onlyId === null ? undefined : eq(projects.id, page.onlyId),
        page.beforeId === null ? undefined : lt(projects.id, page.beforeId),
      ),
    )
    .orderBy(desc(projects.id))
    .limit(page.limit + 1);
  return rows.map(({ project }) => project);
}

export async function updateProjectRow(
  db: Database,
  scope: ProjectScope,
  changes: ProjectChanges,
): Promise<ProjectRow> {
  const [row] = await db.update(projects).set(changes).where(eq(projects.id, scope.projectId)).returning();
  if (row === undefined) throw new AppError('not_found', 'There is no such project.');
  return row;
}

export async function deleteProjectRow(db: Database, scope: ProjectScope): Promise<void> {
  await db.delete(projects).where(eq(projects.id, scope.projectId));
}
