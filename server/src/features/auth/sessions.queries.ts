import { and, desc, eq, gt, inArray, isNull, lt, ne } from 'drizzle-orm';
import { refreshTokens, sessions } from '#db/schema/users.js';
import { AppError } from '#kernel/app-error.js';
import type { Database } from '#platform/database.js';

export type SessionRow = typeof sessions.$inferSelect;

/** The living sessions of a user, the newest first. */
export async function listSessionsOfUser(
  db: Database,
  userId: string,
  page: { beforeId: string | null; limit: number; now: Date },
): Promise<SessionRow[]> {
  return db
    .select()
    .from(sessions)
    .where(
      and(
        eq(sessions.userId, userId),
        isNull(sessions.revokedAt),
        gt(sessions.expiresAt, page.now),
        page.beforeId === null ? undefined : lt(sessions.id, page.beforeId),
      ),
    )
    .orderBy(desc(sessions.id))
    .limit(page.limit + 1);
}

/** @throws AppError `not_found` for a session of somebody else, or one that has ended */
export async function findSessionOfUser(
  db: Database,
  session: { sessionId: string; userId: string; now: Date },
): Promise<SessionRow> {
  const [row] = await db
    .select()
    .from(sessions)
    .where(
      and(
        eq(sessions.id, session.sessionId),
        eq(sessions.userId, session.userId),
        isNull(sessions.revokedAt),
        gt(sessions.expiresAt, session.now),
      ),
    );
  if (row === undefined) throw new AppError('not_found', 'There is no such session.');
  return row;
}

/** Ends the sessions of a user, all or all but one, with their refresh tokens. @returns how many */
export async function revokeSessionsOfUser(
  db: Database,
  user: { userId: string; exceptId: string | null; now: Date },
): Promise<number> {
  const ended = await db
    .update(sessions)
    .set({ revokedAt: user.now })
    .where(
      and(
        eq(sessions.userId, user.userId),
        isNull(sessions.revokedAt),
        user.exceptId === null ? undefined : ne(sessions.id, user.exceptId),
      ),
    )
    .returning({ id: sessions.id });
  const ids = ended.map(({ id }) => id);
  if (ids.length > 0) {
    await db
      .update(refreshTokens)
      .set({ revokedAt: user.now })
      .where(and(inArray(refreshTokens.sessionId, ids), isNull(refreshTokens.revokedAt)));
  }
  return ids.length;
}

/** Whether a user has signed in from an address before. */
export async function hasSessionFrom(
  db: Database,
  login: { userId: string; ip: string | null },
): Promise<boolean> {
  if (login.ip === null) return false;
  const rows = await db
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.userId, login.userId), eq(sessions.ip, login.ip)))
    .limit(1);
  return rows.length > 0;
}
