import { billingEvents } from '#db/schema/usage.js';
import type { Database } from '#platform/database.js';

export type NewBillingEvent = typeof billingEvents.$inferInsert;

/**
 * Names no column of the conflict and returns none: an act within a project may write lines of its account, which have
 * no project, and may not read them.
 * @returns false where its key is in the ledger already
 */
export async function insertBillingEvent(db: Database, event: NewBillingEvent): Promise<boolean> {
  const { rowCount } = await db.insert(billingEvents).values(event).onConflictDoNothing();
  return rowCount !== 0;
}
