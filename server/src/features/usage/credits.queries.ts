import { and, asc, eq, lte, sql } from 'drizzle-orm';
import { addOns, creditGrants } from '#db/schema/billing.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';

export type AddOnRow = typeof addOns.$inferSelect;
export type CreditGrantRow = typeof creditGrants.$inferSelect;

/** A version of a package, also one that is not offered any more. @throws AppError `not_found` */
export async function findAddOn(db: Database, addOnId: string): Promise<AddOnRow> {
  const [row] = isId(addOnId) ? await db.select().from(addOns).where(eq(addOns.id, addOnId)) : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such add-on.');
  return row;
}

/** @returns null where there is a grant with this key already */
export async function insertCreditGrant(
  db: Database,
  grant: typeof creditGrants.$inferInsert,
): Promise<CreditGrantRow | null> {
  const [row] = await db
    .insert(creditGrants)
    .values(grant)
    .onConflictDoNothing({ target: creditGrants.idempotencyKey })
    .returning();
  return row ?? null;
}

export async function findCreditGrantByKey(db: Database, idempotencyKey: string): Promise<CreditGrantRow> {
  const [row] = await db.select().from(creditGrants).where(eq(creditGrants.idempotencyKey, idempotencyKey));
  if (row === undefined) throw new Error('a key is taken by a grant that is not there');
  return row;
}

export async function lockCreditGrantOrNull(db: Database, grantId: string): Promise<CreditGrantRow | null> {
  const [row] = await db.select().from(creditGrants).where(eq(creditGrants.id, grantId)).for('update');
  return row ?? null;
}

export async function updateCreditGrant(
  db: Database,
  grantId: string,
  changes: Pick<typeof creditGrants.$inferInsert, 'revoked' | 'expiresAt'>,
): Promise<void> {
  await db.update(creditGrants).set(changes).where(eq(creditGrants.id, grantId));
}

/** Grants that have expired with something left, and with nothing of them in use at the moment. */
export async function listExpiredGrantIds(db: Database, now: Date, limit: number): Promise<string[]> {
  const { id, expiresAt, quantity, used, revoked, reserved } = creditGrants;
  const rows = await db
    .select({ id })
    .from(creditGrants)
    .where(and(lte(expiresAt, now), eq(reserved, 0), sql`${quantity} - ${used} - ${revoked} > 0`))
    .orderBy(asc(expiresAt), asc(id))
    .limit(limit);
  return rows.map((row) => row.id);
}
