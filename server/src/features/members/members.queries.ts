import { and, desc, eq, isNull, lt, sql } from 'drizzle-orm';
import { projectMembers, projects } from '#db/schema/projects.js';
import { users } from '#db/schema/users.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';
import type { MemberRole, ProjectScope } from '#platform/scope.js';

export type ProjectRow = typeof projects.$inferSelect;
export type UserRow = typeof users.$inferSelect;

export interface MemberRow {
  /** Of the user. */
  id: string;
  email: string;
  name: string;
  role: MemberRole;
  /** The user who pays for the project. */
  ownerId: string;
  createdAt: Date;
  updatedAt: Date;
}

/**
 * Locks the project, so that who is a member of it changes by one act at a time.
 * @throws AppError `not_found`
 */
export async function lockProject(db: Database, scope: ProjectScope): Promise<ProjectRow> {
  const [row] = await db.select().from(projects).where(eq(projects.id, scope.projectId)).for('no key update');
  if (row === undefined) throw new AppError('not_found', 'There is no such project.');
  return row;
}

/** The project is on the plan of whoever pays for it. */
export async function updateProjectOwner(
  db: Database,
  scope: ProjectScope,
  ownerId: string,
): Promise<ProjectRow> {
  const [row] = await db
    .update(projects)
    .set({ ownerId, plan: sql`(select plan from users where id = ${ownerId})` })
    .where(eq(projects.id, scope.projectId))
    .returning();
  if (row === undefined) throw new Error('update returned no row');
  return row;
}

/** Members, the newest account first. */
export function listMembers(
  db: Database,
  scope: ProjectScope,
  page: { beforeId: string | null; limit: number },
): Promise<MemberRow[]> {
  return selectMembers(db)
    .where(
      and(
        eq(projectMembers.projectId, scope.projectId),
        page.beforeId === null ? undefined : lt(projectMembers.userId, page.beforeId),
      ),
    )
    .orderBy(desc(projectMembers.userId))
    .limit(page.limit + 1);
}

/** @throws AppError `not_found` */
export async function findMember(db: Database, scope: ProjectScope, userId: string): Promise<MemberRow> {
  const [row] = isId(userId) ? await selectMembers(db).where(isMember(scope, userId)) : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such member.');
  return row;
}

export async function findMemberByEmailOrNull(
  db: Database,
  scope: ProjectScope,
  email: string,
): Promise<MemberRow | null> {
  const [row] = await selectMembers(db).where(
    and(eq(projectMembers.projectId, scope.projectId), eq(users.email, email)),
  );
  return row ?? null;
}

/** @returns false when the user is a member already */
export async function insertMember(
  db: Database,
  scope: ProjectScope,
  member: { userId: string; role: MemberRole },
): Promise<boolean> {
  const rows = await db
    .insert(projectMembers)
    .values({ projectId: scope.projectId, ...member })
    .onConflictDoNothing()
    .returning({ userId: projectMembers.userId });
  return rows.length > 0;
}

export async function updateMemberRole(
  db: Database,
  scope: ProjectScope,
  userId: string,
  role: MemberRole,
): Promise<void> {
  await db.update(projectMembers).set({ role }).where(isMember(scope, userId));
}

export async function deleteMember(db: Database, scope: ProjectScope, userId: string): Promise<void> {
  await db.delete(projectMembers).where(isMember(scope, userId));
}

/** Locks an account against being changed or deleted meanwhile. */
export async function lockUserOrNull(db: Database, userId: string): Promise<UserRow | null> {
  const [row] = await db.select().from(users).where(eq(users.id, userId)).for('no key update');
  return row ?? null;
}

/** The address of the account has shown to be its own. An earlier proof stays. */
export async function updateEmailVerified(db: Database, userId: string, now: Date): Promise<void> {
  await db
    .update(users)
    .set({ emailVerifiedAt: now })
    .where(and(eq(users.id, userId), isNull(users.emailVerifiedAt)));
}

function selectMembers(db: Database) {
  return db
    .select({
      id: users.id,
      email: users.email,
      name: users.name,
      role: projectMembers.role,
      ownerId: projects.ownerId,
      createdAt: projectMembers.createdAt,
      updatedAt: projectMembers.updatedAt,
    })
    .from(projectMembers)
    .innerJoin(users, eq(users.id, projectMembers.userId))
    .innerJoin(projects, eq(projects.id, projectMembers.projectId))
    .$dynamic();
}

function isMember(scope: ProjectScope, userId: string) {
  return and(eq(projectMembers.projectId, scope.projectId), eq(projectMembers.userId, userId));
}
