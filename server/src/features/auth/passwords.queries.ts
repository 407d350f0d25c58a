import { and, desc, eq, notInArray } from 'drizzle-orm';
import { formerPasswords, users } from '#db/schema/users.js';
import { newId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';

/** Hashes of a user's earlier passwords, the latest first. */
export async function listFormerPasswordHashes(
  db: Database,
  userId: string,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .select({ passwordHash: formerPasswords.passwordHash })
    .from(formerPasswords)
    .where(eq(formerPasswords.userId, userId))
    .orderBy(desc(formerPasswords.id))
    .limit(limit);
  return rows.map(({ passwordHash }) => passwordHash);
}

/**
 * Sets a new password if the present one is still `currentHash`, and keeps that among the `keep` former ones.
 * @returns whether it was
 */
export async function updatePassword(
  db: Database,
  user: { userId: string; currentHash: string; newHash: string; keep: number },
): Promise<boolean> {
  const { userId } = user;
  const rows = await db
    .update(users)
    .set({ passwordHash: user.newHash })
    .where(and(eq(users.id, userId), eq(users.passwordHash, user.currentHash)))
    .returning({ id: users.id });
  if (rows.length === 0) return false;
  await db.insert(formerPasswords).values({ id: newId(), userId, passwordHash: user.currentHash });
  const kept = db
    .select({ id: formerPasswords.id })
    .from(formerPasswords)
    .where(eq(formerPasswords.userId, userId))
    .orderBy(desc(formerPasswords.id))
    .limit(user.keep);
  await db
    .delete(formerPasswords)
    .where(and(eq(formerPasswords.userId, userId), notInArray(formerPasswords.id, kept)));
  return true;
}
