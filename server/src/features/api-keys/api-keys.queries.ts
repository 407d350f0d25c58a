import { and, count, desc, eq, gt, isNull, lt, or, sql } from 'drizzle-orm';
import { apiKeys } from '#db/schema/api-keys.js';
import { users } from '#db/schema/users.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';

export type ApiKeyRow = typeof apiKeys.$inferSelect;

/** A revocation may lie ahead: a key that was rotated lives until then. */
const isNotRevoked = (now: Date) => or(isNull(apiKeys.revokedAt), gt(apiKeys.revokedAt, now));
const isNotExpired = (now: Date) => or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, now));

/** The key of a hash that lives, and whose user does. Keys of deleted users and projects are gone with them. */
export async function findLiveApiKeyOrNull(
  db: Database,
  keyHash: string,
  now: Date,
): Promise<{ apiKey: ApiKeyRow; role: 'user' | 'admin' } | null> {
  const [row] = await db
    .select({ apiKey: apiKeys, role: users.role })
    .from(apiKeys)
    .innerJoin(users, eq(users.id, apiKeys.userId))
    .where(
      and(eq(apiKeys.keyHash, keyHash), isNotRevoked(now), isNotExpired(now), isNull(users.suspendedAt)),
    );
  return row ?? null;
}

/** Those of a user that are not revoked, the newest first; expired ones are among them. */
export function listApiKeys(
  db: Database,
  userId: string,
  page: { beforeId: string | null; limit: number; now: Date },
): Promise<ApiKeyRow[]> {
  return db
    .select()
    .from(apiKeys)
    .where(
      and(
        eq(apiKeys.userId, userId),
        isNotRevoked(page.now),
        page.beforeId === null ? undefined : lt(apiKeys.id, page.beforeId),
      ),
    )
    .orderBy(desc(apiKeys.id))
    .limit(page.limit + 1);
}

/** Counts what a user has, and holds the user's row, so that no other key is made in between. */
export async function countApiKeysLocked(db: Database, userId: string, now: Date): Promise<number> {
  await db.select({ id: users.id }).from(users).where(eq(users.id, userId)).for('no key update');
  const [row] = await db
    .select({ keys: count() })
    .from(apiKeys)
    .where(and(eq(apiKeys.userId, userId), isNotRevoked(now), isNotExpired(now)));
  return row?.keys ?? 0;
}

/**
 * Finds a key of a user that is not revoked, and locks it.
 * @throws AppError `not_found` for a malformed, unknown or foreign id alike
 */
export async function findApiKeyLocked(
  db: Database,
  key: { userId: string; keyId: string; now: Date },
): Promise<ApiKeyRow> {
  const [row] = isId(key.keyId)
    ? await db
        .select()
        .from(apiKeys)
        .where(and(eq(apiKeys.id, key.keyId), eq(apiKeys.userId, key.userId), isNotRevoked(key.now)))
        .for('update')
    : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such API key.');
  return row;
}

export async function insertApiKey(db: Database, key: typeof apiKeys.$inferInsert): Promise<ApiKeyRow> {
  const [row] = await db.insert(apiKeys).values(key).returning();
  if (row === undefined) throw new Error('insert returned no row');
  return row;
}

export async function updateApiKeyRevocation(db: Database, keyId: string, revokedAt: Date): Promise<void> {
  await db.update(apiKeys).set({ revokedAt }).where(eq(apiKeys.id, keyId));
}

/** Keys that were revoked or expired before `endedBefore`. @returns how many */
export async function deleteApiKeys(db: Database, endedBefore: Date): Promise<number> {
  const rows = await db
    .delete(apiKeys)
    .where(or(lt(apiKeys.revokedAt, endedBefore), lt(apiKeys.expiresAt, endedBefore)))
    .returning({ id: apiKeys.id });
  return rows.length;
}

/** Notes a use, unless one was noted since `notedBefore`; passes over a row that is locked rather than wait for it. */
export async function updateLastUse(
  db: Database,
  use: { keyId: string; now: Date; notedBefore: Date },
): Promise<void> {
  const free = db
    .select({ id: apiKeys.id })
    .from(apiKeys)
    .where(
      and(eq(apiKeys.id, use.keyId), or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, use.notedBefore))),
    )
    .for('update', { skipLocked: true });
  await db
    .update(apiKeys)
    .set({ lastUsedAt: use.now })
    .where(sql`${apiKeys.id} in ${free}`);
}
