import { and, asc, eq, gt, inArray, isNotNull, lte, sql } from 'drizzle-orm';
import { addOns, plans, subscriptions } from '#db/schema/billing.js';
import { users } from '#db/schema/users.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';

export type SubscriptionRow = typeof subscriptions.$inferSelect;
export type PlanRow = typeof plans.$inferSelect;
export type PlanName = PlanRow['name'];
export type AddOnRow = typeof addOns.$inferSelect;

/** The account that is known to the provider by this name, or that its metadata name; null: nobody here. */
export async function findUserIdOrNull(
  db: Database,
  known: { customerId: string | null; userId: string | null },
): Promise<string | null> {
  const { customerId, userId } = known;
  if (customerId !== null) {
    const [row] = await db
      .select({ userId: subscriptions.userId })
      .from(subscriptions)
      .where(eq(subscriptions.stripeCustomerId, customerId));
    if (row !== undefined) return row.userId;
  }
  if (userId === null || !isId(userId)) return null;
  const [row] = await db.select({ id: users.id }).from(users).where(eq(users.id, userId));
  return row?.id ?? null;
}

export async function findSubscriptionOrNull(db: Database, userId: string): Promise<SubscriptionRow | null> {
  const [row] = await db.select().from(subscriptions).where(eq(subscriptions.userId, userId));
  return row ?? null;
}

export async function updateSubscription(
  db: Database,
  userId: string,
  changes: Partial<Omit<typeof subscriptions.$inferInsert, 'userId' | 'createdAt'>>,
): Promise<void> {
  await db.update(subscriptions).set(changes).where(eq(subscriptions.userId, userId));
}

export async function unlinkCustomer(db: Database, customerId: string): Promise<void> {
  await db
    .update(subscriptions)
    .set({ stripeCustomerId: null })
    .where(eq(subscriptions.stripeCustomerId, customerId));
}

/** The plan that one of these prices is of, in whatever version; null: of none. */
export async function findPlanOfPricesOrNull(db: Database, priceIds: string[]): Promise<PlanName | null> {
  if (priceIds.length === 0) return null;
  const [row] = await db
    .select({ name: plans.name })
    .from(plans)
    .where(inArray(plans.stripePriceId, priceIds))
    .limit(1);
  return row?.name ?? null;
}

/** A plan in its newest version. */
export async function findPlanOnOffer(db: Database, name: PlanName): Promise<PlanRow> {
  const [row] = await db
    .select()
    .from(plans)
    .where(eq(plans.name, name))
    .orderBy(sql`${plans.version} desc`)
    .limit(1);
  if (row === undefined) throw new Error(`there is no plan ${name}`);
  return row;
}

/** How an account is addressed, and the plan that it is on; null: it is gone. */
export async function findContactOrNull(
  db: Database,
  userId: string,
): Promise<{ email: string; name: string; plan: PlanName } | null> {
  const { email, name, plan } = users;
  const [row] = await db.select({ email, name, plan }).from(users).where(eq(users.id, userId));
  return row ?? null;
}

/** What can be bought under this id: the newest version of its package, while it is offered. */
export async function findAddOnOnOfferOrNull(db: Database, addOnId: string): Promise<AddOnRow | null> {
  const [row] = await db
    .select()
    .from(addOns)
    .where(
      and(
        eq(addOns.id, addOnId),
        eq(addOns.isOffered, true),
        sql`not exists (select from add_ons newer where newer.code = ${addOns.code} and newer.version > ${addOns.version})`,
      ),
    );
  return row ?? null;
}

export interface PayingAccount {
  userId: string;
  customerId: string;
}

/** Accounts that are known to the provider, by their ids. */
export async function listPayingAccounts(
  db: Database,
  page: { afterId: string | null; limit: number },
): Promise<PayingAccount[]> {
  const { userId, stripeCustomerId } = subscriptions;
  const rows = await db
    .select({ userId, customerId: stripeCustomerId })
    .from(subscriptions)
    .where(and(isNotNull(stripeCustomerId), page.afterId === null ? undefined : gt(userId, page.afterId)))
    .orderBy(asc(userId))
    .limit(page.limit);
  return rows.flatMap(({ userId: id, customerId }) =>
    customerId === null ? [] : [{ userId: id, customerId }],
  );
}

/** Accounts whose next plan should have begun, the longest ago first. */
export function listDueAccounts(
  db: Database,
  now: Date,
  limit: number,
): Promise<{ userId: string; customerId: string | null }[]> {
  return db
    .select({ userId: subscriptions.userId, customerId: subscriptions.stripeCustomerId })
    .from(subscriptions)
    .where(lte(subscriptions.pendingAt, now))
    .orderBy(asc(subscriptions.pendingAt))
    .limit(limit);
}

export async function isAddOn(db: Database, addOnId: string): Promise<boolean> {
  return (await db.$count(addOns, eq(addOns.id, addOnId))) > 0;
}
