import { and, asc, eq, isNotNull, isNull, like, lt, sql } from 'drizzle-orm';
import { idempotencyKeys } from '#db/schema/idempotency-keys.js';
import type { Database } from '../database.js';
import { isHeldByDeadProcess } from '../processes/processes.queries.js';

export type IdempotencyRow = typeof idempotencyKeys.$inferSelect;

/** Takes a key that is new, expired, or whose holder died. @returns whether it was taken */
export async function claimIdempotencyKey(
  db: Database,
  claim: Pick<
    IdempotencyRow,
    'scope' | 'keyHash' | 'requestHash' | 'processId' | 'lockedUntil' | 'expiresAt'
  >,
  now: Date,
  ownProcessId: string,
): Promise<boolean> {
  const rows = await db
    .insert(idempotencyKeys)
    .values(claim)
    .onConflictDoUpdate({
      target: [idempotencyKeys.scope, idempotencyKeys.keyHash],
      set: { ...claim, status: null, response: null },
      setWhere: sql`${idempotencyKeys.expiresAt} < ${now} or (${idempotencyKeys.status} is null and
        (${idempotencyKeys.lockedUntil} < ${now} or ${isHeldByDeadProcess(idempotencyKeys.processId, ownProcessId)}))`,
    })
    .returning({ scope: idempotencyKeys.scope });
  return rows.length > 0;
}

export async function findIdempotencyKeyOrNull(
  db: Database,
  scope: string,
  keyHash: string,
): Promise<IdempotencyRow | null> {
  const [row] = await db.select().from(idempotencyKeys).where(isKey(scope, keyHash));
  return row ?? null;
}

/** Which claim of a key: another process may have taken it over from one that was thought dead. */
export interface IdempotencyClaimant {
  scope: string;
  keyHash: string;
  processId: string;
}

export async function storeIdempotentResponse(
  db: Database,
  claimant: IdempotencyClaimant,
  answer: { status: number; response: Uint8Array },
): Promise<void> {
  await db.update(idempotencyKeys).set(answer).where(isClaimedBy(claimant));
}

export async function deleteIdempotencyKey(db: Database, claimant: IdempotencyClaimant): Promise<void> {
  await db.delete(idempotencyKeys).where(isClaimedBy(claimant));
}

/** @returns how many there were */
export async function deleteExpiredIdempotencyKeys(db: Database, now: Date): Promise<number> {
  const rows = await db
    .delete(idempotencyKeys)
    .where(lt(idempotencyKeys.expiresAt, now))
    .returning({ scope: idempotencyKeys.scope });
  return rows.length;
}

/** Kept answers to requests below a path, of any caller, by the hashes of their keys. @param path in lower case */
export async function listKeptAnswers(
  db: Database,
  filter: { path: string; after: Pick<IdempotencyRow, 'scope' | 'keyHash'> | null; limit: number },
): Promise<{ scope: string; keyHash: string; response: Uint8Array | null }[]> {
  const { scope, keyHash, response } = idempotencyKeys;
  const { after } = filter;
  return db
    .select({ scope, keyHash, response })
    .from(idempotencyKeys)
    .where(
      and(
        // The address is kept as it was written.
        like(sql`lower(${scope})`, `% ${filter.path}%`),
        isNotNull(response),
        after === null ? undefined : sql`(${scope}, ${keyHash}) > (${after.scope}, ${after.keyHash})`,
      ),
    )
    .orderBy(asc(scope), asc(keyHash))
    .limit(filter.limit);
}

export async function deleteKeptAnswer(
  db: Database,
  key: Pick<IdempotencyRow, 'scope' | 'keyHash'>,
): Promise<void> {
  await db.delete(idempotencyKeys).where(isKey(key.scope, key.keyHash));
}

function isClaimedBy({ scope, keyHash, processId }: IdempotencyClaimant) {
  return and(isKey(scope, keyHash), isNull(idempotencyKeys.status), eq(idempotencyKeys.processId, processId));
}

function isKey(scope: string, keyHash: string) {
  return and(eq(idempotencyKeys.scope, scope), eq(idempotencyKeys.keyHash, keyHash));
}
