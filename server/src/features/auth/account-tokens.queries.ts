import { and, count, eq, gt, isNull, lt } from 'drizzle-orm';
import { accountTokens } from '#db/schema/users.js';
import type { Database } from '#platform/database.js';

export type AccountTokenPurpose = (typeof accountTokens.$inferSelect)['purpose'];

export async function insertAccountToken(
  db: Database,
  token: typeof accountTokens.$inferInsert,
): Promise<void> {
  await db.insert(accountTokens).values(token);
}

interface PresentedToken {
  tokenHash: string;
  purpose: AccountTokenPurpose;
  now: Date;
}

/** @returns whose it is, or null when it is unknown, used or expired */
export async function findAccountTokenUserOrNull(
  db: Database,
  token: PresentedToken,
): Promise<string | null> {
  const [row] = await db.select({ userId: accountTokens.userId }).from(accountTokens).where(isValid(token));
  return row?.userId ?? null;
}

/** @returns whose it was, or null when it is unknown, used or expired */
export async function useAccountToken(db: Database, token: PresentedToken): Promise<string | null> {
  const [row] = await db
    .update(accountTokens)
    .set({ usedAt: token.now })
    .where(isValid(token))
    .returning({ userId: accountTokens.userId });
  return row?.userId ?? null;
}

function isValid(token: PresentedToken) {
  return and(
    eq(accountTokens.tokenHash, token.tokenHash),
    eq(accountTokens.purpose, token.purpose),
    isNull(accountTokens.usedAt),
    gt(accountTokens.expiresAt, token.now),
  );
}

/** How many tokens of a purpose a user was given since `since`. */
export async function countAccountTokens(
  db: Database,
  user: { userId: string; purpose: AccountTokenPurpose; since: Date },
): Promise<number> {
  const [row] = await db
    .select({ total: count() })
    .from(accountTokens)
    .where(
      and(
        eq(accountTokens.userId, user.userId),
        eq(accountTokens.purpose, user.purpose),
        gt(accountTokens.createdAt, user.since),
      ),
    );
  return row?.total ?? 0;
}

/** What was mailed before is worth nothing any more. */
export async function deleteAccountTokens(
  db: Database,
  userId: string,
  purpose: AccountTokenPurpose,
): Promise<void> {
  await db
    .delete(accountTokens)
    .where(and(eq(accountTokens.userId, userId), eq(accountTokens.purpose, purpose)));
}

/** @returns how many */
export async function deleteExpiredAccountTokens(db: Database, expiredBefore: Date): Promise<number> {
  const rows = await db
    .delete(accountTokens)
    .where(lt(accountTokens.expiresAt, expiredBefore))
    .returning({ id: accountTokens.id });
  return rows.length;
}
