import { eq } from 'drizzle-orm';
import { subscriptions } from '#db/schema/billing.js';
import { usagePeriods } from '#db/schema/usage.js';
import type { Database } from '#platform/database.js';

export type SubscriptionRow = typeof subscriptions.$inferSelect;

/** Null: the account has not needed one yet. */
export async function findSubscriptionOrNull(db: Database, userId: string): Promise<SubscriptionRow | null> {
  const [row] = await db.select().from(subscriptions).where(eq(subscriptions.userId, userId));
  return row ?? null;
}

export async function updateSubscriptionSettings(
  db: Database,
  userId: string,
  changes: Partial<Pick<SubscriptionRow, 'spendingCap' | 'humanTicketCost'>>,
): Promise<void> {
  await db.update(subscriptions).set(changes).where(eq(subscriptions.userId, userId));
}

export async function updateCapOfPeriod(
  db: Database,
  periodId: string,
  spendingCap: string | null,
): Promise<void> {
  await db.update(usagePeriods).set({ spendingCap }).where(eq(usagePeriods.id, periodId));
}
