import { and, desc, eq, gt, lte, sql } from 'drizzle-orm';
import { type PlanLimits, plans, subscriptions } from '#db/schema/billing.js';
import { usagePeriods } from '#db/schema/usage.js';
import { users } from '#db/schema/users.js';
import type { Database } from '#platform/database.js';

export type SubscriptionRow = typeof subscriptions.$inferSelect;
export type UsagePeriodRow = typeof usagePeriods.$inferSelect;
export type PlanRow = typeof plans.$inferSelect;
export type PlanName = PlanRow['name'];

/** Locks an account's subscription, which is made where there is none. Null: the account is gone. */
export async function lockSubscriptionOrNull(db: Database, userId: string): Promise<SubscriptionRow | null> {
  const find = () => db.select().from(subscriptions).where(eq(subscriptions.userId, userId)).for('update');
  const [row] = await find();
  if (row !== undefined) return row;
  await db.execute(
    sql`insert into ${subscriptions} (user_id) select id from ${users} where id = ${userId} on conflict do nothing`,
  );
  const [made] = await find();
  return made ?? null;
}

export async function findSubscriptionOrNull(db: Database, userId: string): Promise<SubscriptionRow | null> {
  const [row] = await db.select().from(subscriptions).where(eq(subscriptions.userId, userId));
  return row ?? null;
}

/** The plan that an account is on, in its newest version. */
export async function findPlanOfUser(db: Database, userId: string): Promise<PlanRow> {
  const [row] = await db
    .select({ plan: plans })
    .from(users)
    .innerJoin(plans, eq(plans.name, users.plan))
    .where(eq(users.id, userId))
    .orderBy(desc(plans.version))
    .limit(1);
  if (row === undefined) throw new Error('an account is on a plan that is not there');
  return row.plan;
}

export async function findPeriodOrNull(
  db: Database,
  userId: string,
  at: Date,
): Promise<UsagePeriodRow | null> {
  const [row] = await db
    .select()
    .from(usagePeriods)
    .where(isPeriodAt(userId, at))
    .orderBy(desc(usagePeriods.periodStart))
    .limit(1);
  return row ?? null;
}

export async function lockPeriodOrNull(
  db: Database,
  userId: string,
  at: Date,
): Promise<UsagePeriodRow | null> {
  const [row] = await db.select().from(usagePeriods).where(isPeriodAt(userId, at)).for('update');
  return row ?? null;
}

/** @returns the period with the address of the account that it is of */
export async function findPeriodWithOwner(
  db: Database,
  periodId: string,
): Promise<{ period: UsagePeriodRow; email: string }> {
  const [row] = await db
    .select({ period: usagePeriods, email: users.email })
    .from(usagePeriods)
    .innerJoin(users, eq(users.id, usagePeriods.userId))
    .where(eq(usagePeriods.id, periodId));
  if (row === undefined) throw new Error('a reservation is of a period that is not there');
  return row;
}

/** The end of the newest period; null: there is none yet. */
export async function findLastPeriodEndOrNull(db: Database, userId: string): Promise<Date | null> {
  const [row] = await db
    .select({ periodEnd: usagePeriods.periodEnd })
    .from(usagePeriods)
    .where(eq(usagePeriods.userId, userId))
    .orderBy(desc(usagePeriods.periodStart))
    .limit(1);
  return row?.periodEnd ?? null;
}

export async function insertPeriod(
  db: Database,
  period: typeof usagePeriods.$inferInsert,
): Promise<UsagePeriodRow> {
  const [row] = await db.insert(usagePeriods).values(period).returning();
  if (row === undefined) throw new Error('insert returned no row');
  return row;
}

export async function updatePeriod(
  db: Database,
  periodId: string,
  changes: Partial<
    Pick<
      UsagePeriodRow,
      | 'planId'
      | 'periodEnd'
      | 'limitChatbots'
      | 'limitMessagesMini'
      | 'limitMessagesPremium'
      | 'limitIndexedPages'
      | 'spendingCap'
    >
  >,
): Promise<void> {
  await db.update(usagePeriods).set(changes).where(eq(usagePeriods.id, periodId));
}

function isPeriodAt(userId: string, at: Date) {
  return and(
    eq(usagePeriods.userId, userId),
    lte(usagePeriods.periodStart, at),
    gt(usagePeriods.periodEnd, at),
  );
}

/** The limits of a plan, under what was agreed on with one account. */
export function limitsOf(plan: PlanRow, custom: Partial<PlanLimits>): PlanLimits {
  return {
    chatbots: plan.limitChatbots,
    messagesMini: plan.limitMessagesMini,
    messagesPremium: plan.limitMessagesPremium,
    indexedPages: plan.limitIndexedPages,
    ...custom,
  };
}
