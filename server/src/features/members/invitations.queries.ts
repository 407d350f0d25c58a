import { and, count, desc, eq, gt, lt } from 'drizzle-orm';
import { projectInvitations } from '#db/schema/projects.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

export type InvitationRow = typeof projectInvitations.$inferSelect;

/** What makes the token of an earlier mail worthless. */
export type InvitationRenewal = Pick<InvitationRow, 'tokenHash' | 'expiresAt'>;

/**
 * The invitation that a token opens: nobody has used or withdrawn it, and it has not expired.
 * Asked before there is a scope.
 */
export async function findInvitationByTokenOrNull(
  db: Database,
  tokenHash: string,
  now: Date,
): Promise<InvitationRow | null> {
  const [row] = await db.select().from(projectInvitations).where(isOpenedBy(tokenHash, now));
  return row ?? null;
}

/** Open invitations, those that have expired too, the newest first. */
export function listInvitations(
  db: Database,
  scope: ProjectScope,
  page: { beforeId: string | null; limit: number },
): Promise<InvitationRow[]> {
  return db
    .select()
    .from(projectInvitations)
    .where(
      and(isPending(scope), page.beforeId === null ? undefined : lt(projectInvitations.id, page.beforeId)),
    )
    .orderBy(desc(projectInvitations.id))
    .limit(page.limit + 1);
}

export async function countInvitations(db: Database, scope: ProjectScope): Promise<number> {
  const [row] = await db.select({ value: count() }).from(projectInvitations).where(isPending(scope));
  return row?.value ?? 0;
}

export async function findInvitationByEmailOrNull(
  db: Database,
  scope: ProjectScope,
  email: string,
): Promise<InvitationRow | null> {
  const [row] = await db
    .select()
    .from(projectInvitations)
    .where(and(isPending(scope), eq(projectInvitations.email, email)));
  return row ?? null;
}

export async function insertInvitation(
  db: Database,
  scope: ProjectScope,
  invitation: Omit<typeof projectInvitations.$inferInsert, 'projectId'>,
): Promise<InvitationRow> {
  const [row] = await db
    .insert(projectInvitations)
    .values({ ...invitation, projectId: scope.projectId })
    .returning();
  if (row === undefined) throw new Error('insert returned no row');
  return row;
}

/** Changes an open invitation. @throws AppError `not_found` */
export async function updateInvitation(
  db: Database,
  scope: ProjectScope,
  invitationId: string,
  changes: InvitationRenewal & Partial<Pick<InvitationRow, 'role' | 'invitedBy'>>,
): Promise<InvitationRow> {
  const [row] = isId(invitationId)
    ? await db
        .update(projectInvitations)
        .set(changes)
        .where(isOpenInvitation(scope, invitationId))
        .returning()
    : [];
  return row ?? throwNotFound();
}

/** Withdraws an open invitation. @throws AppError `not_found` */
export async function updateInvitationWithdrawn(
  db: Database,
  scope: ProjectScope,
  invitationId: string,
): Promise<InvitationRow> {
  const [row] = isId(invitationId)
    ? await db
        .update(projectInvitations)
        .set({ status: 'withdrawn' })
        .where(isOpenInvitation(scope, invitationId))
        .returning()
    : [];
  return row ?? throwNotFound();
}

/** Uses an invitation up. @returns null when its token does not open it any more */
export async function updateInvitationAccepted(
  db: Database,
  scope: ProjectScope,
  tokenHash: string,
  now: Date,
): Promise<InvitationRow | null> {
  const [row] = await db
    .update(projectInvitations)
    .set({ status: 'accepted', acceptedAt: now })
    .where(and(eq(projectInvitations.projectId, scope.projectId), isOpenedBy(tokenHash, now)))
    .returning();
  return row ?? null;
}

/** Every invitation expires, whatever became of it. @returns how many */
export async function deleteInvitationsExpiredBefore(db: Database, expiredBefore: Date): Promise<number> {
  const rows = await db
    .delete(projectInvitations)
    .where(lt(projectInvitations.expiresAt, expiredBefore))
    .returning({ id: projectInvitations.id });
  return rows.length;
}

function isOpenedBy(tokenHash: string, now: Date) {
  return and(
    eq(projectInvitations.tokenHash, tokenHash),
    eq(projectInvitations.status, 'pending'),
    gt(projectInvitations.expiresAt, now),
  );
}

function isOpenInvitation(scope: ProjectScope, invitationId: string) {
  return and(isPending(scope), eq(projectInvitations.id, invitationId));
}

function isPending(scope: ProjectScope) {
  return and(eq(projectInvitations.projectId, scope.projectId), eq(projectInvitations.status, 'pending'));
}

function throwNotFound(): never {
  throw new AppError('not_found', 'There is no such invitation.');
}
