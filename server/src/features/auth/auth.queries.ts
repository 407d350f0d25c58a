import { and, eq, gt, isNull, lt, or } from 'drizzle-orm';
import { refreshTokens, sessions, users } from '#db/schema/users.js';
import type { Database } from '#platform/database.js';

export type UserRow = typeof users.$inferSelect;
export type RefreshTokenRow = typeof refreshTokens.$inferSelect;
export type SessionRow = typeof sessions.$inferSelect;

/** @returns null when the address is taken */
export async function insertUser(db: Database, user: typeof users.$inferInsert): Promise<UserRow | null> {
  const [row] = await db.insert(users).values(user).onConflictDoNothing().returning();
  return row ?? null;
}

export async function findUserByEmailOrNull(db: Database, email: string): Promise<UserRow | null> {
  const [row] = await db.select().from(users).where(eq(users.email, email));
  return row ?? null;
}

export async function findUserOrNull(db: Database, userId: string): Promise<UserRow | null> {
  const [row] = await db.select().from(users).where(eq(users.id, userId));
  return row ?? null;
}

/** @returns null when the account is gone */
export async function updateUser(
  db: Database,
  userId: string,
  changes: Partial<Pick<UserRow, 'email' | 'name' | 'emailVerifiedAt'>>,
): Promise<UserRow | null> {
  const [row] = await db.update(users).set(changes).where(eq(users.id, userId)).returning();
  return row ?? null;
}

export async function lockUserOrNull(db: Database, userId: string): Promise<UserRow | null> {
  const [row] = await db.select().from(users).where(eq(users.id, userId)).for('update');
  return row ?? null;
}

export async function lockActiveAdminIds(db: Database): Promise<string[]> {
  const rows = await db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.role, 'admin'), isNull(users.suspendedAt)))
    .orderBy(users.id)
    .for('no key update');
  return rows.map(({ id }) => id);
}

export async function findLiveSessionUserOrNull(
  db: Database,
  session: { sessionId: string; userId: string; now: Date },
): Promise<Pick<UserRow, 'id' | 'role'> | null> {
  const [row] = await db
    .select({ id: users.id, role: users.role })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(
      and(
        eq(sessions.id, session.sessionId),
        eq(sessions.userId, session.userId),
        isNull(sessions.revokedAt),
        gt(sessions.expiresAt, session.now),
        isNull(users.suspendedAt),
      ),
    );
  return row ?? null;
}

export async function insertSession(db: Database, session: typeof sessions.$inferInsert): Promise<void> {
  await db.insert(sessions).values(session);
}

export async function insertRefreshToken(
  db: Database,
  token: typeof refreshTokens.$inferInsert,
): Promise<void> {
  await db.insert(refreshTokens).values(token);
}

/** Finds a token and locks its session, so that uses of one family happen one after the other. */
export async function lockRefreshTokenOrNull(
  db: Database,
  tokenHash: string,
): Promise<{ token: RefreshTokenRow; session: SessionRow; user: UserRow } | null> {
  const [known] = await db
    .select({ sessionId: refreshTokens.sessionId })
    .from(refreshTokens)
    .where(eq(refreshTokens.tokenHash, tokenHash));
  if (known === undefined) return null;
  const [session] = await db.select().from(sessions).where(eq(sessions.id, known.sessionId)).for('update');
  const [row] = await db
    .select({ token: refreshTokens, user: users })
    .from(refreshTokens)
    .innerJoin(users, eq(users.id, refreshTokens.userId))
    .where(eq(refreshTokens.tokenHash, tokenHash));
  return row === undefined || session === undefined ? null : { ...row, session };
}

export async function findRefreshTokenOrNull(
  db: Database,
  tokenHash: string,
): Promise<RefreshTokenRow | null> {
  const [row] = await db.select().from(refreshTokens).where(eq(refreshTokens.tokenHash, tokenHash));
  return row ?? null;
}

export async function markRefreshTokenUsed(db: Database, tokenId: string, now: Date): Promise<void> {
  await db.update(refreshTokens).set({ usedAt: now }).where(eq(refreshTokens.id, tokenId));
}

export async function updateSessionExpiry(db: Database, sessionId: string, expiresAt: Date): Promise<void> {
  await db.update(sessions).set({ expiresAt }).where(eq(sessions.id, sessionId));
}

/** Ends a session: its access tokens and the whole family of its refresh tokens are dead at once. */
export async function revokeSession(db: Database, sessionId: string, now: Date): Promise<void> {
  await db
    .update(sessions)
    .set({ revokedAt: now })
    .where(and(eq(sessions.id, sessionId), isNull(sessions.revokedAt)));
  await db
    .update(refreshTokens)
    .set({ revokedAt: now })
    .where(and(eq(refreshTokens.sessionId, sessionId), isNull(refreshTokens.revokedAt)));
}

/** Sessions that ended before `endedBefore`, with their refresh tokens. @returns how many sessions */
export async function deleteEndedSessions(db: Database, endedBefore: Date): Promise<number> {
  const rows = await db
    .delete(sessions)
    .where(or(lt(sessions.expiresAt, endedBefore), lt(sessions.revokedAt, endedBefore)))
    .returning({ id: sessions.id });
  return rows.length;
}

/** Refresh tokens of living sessions that nobody could use any more. @returns how many */
export async function deleteExpiredRefreshTokens(db: Database, expiredBefore: Date): Promise<number> {
  const rows = await db
    .delete(refreshTokens)
    .where(lt(refreshTokens.expiresAt, expiredBefore))
    .returning({ id: refreshTokens.id });
  return rows.length;
}
