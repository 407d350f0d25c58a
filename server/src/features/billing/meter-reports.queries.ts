import { and, asc, desc, eq, gt, gte, inArray, isNotNull, lt, sql } from 'drizzle-orm';
import { stripeEvents, stripeMeterReports, subscriptions } from '#db/schema/billing.js';
import { billingEvents, usagePeriods } from '#db/schema/usage.js';
import type { Database } from '#platform/database.js';
import type { MeteredKind } from '#platform/ports/payments.js';

export type MeterReportRow = typeof stripeMeterReports.$inferSelect;

export interface MeteredAccount {
  userId: string;
  customerId: string;
  /** Of its subscription. */
  since: Date;
}

/** Accounts that have a subscription at Stripe which goes on, by their ids. */
export async function listMeteredAccounts(
  db: Database,
  page: { afterId: string | null; limit: number },
): Promise<MeteredAccount[]> {
  const { userId, stripeCustomerId, stripeSubscriptionId, status } = subscriptions;
  const rows = await db
    .select({ userId, customerId: stripeCustomerId, since: stripeEvents.occurredAt })
    .from(subscriptions)
    // The row that stands for the subscription itself.
    .innerJoin(stripeEvents, eq(stripeEvents.id, stripeSubscriptionId))
    .where(
      and(
        isNotNull(stripeCustomerId),
        inArray(status, ['active', 'trialing', 'past_due']),
        page.afterId === null ? undefined : gt(userId, page.afterId),
      ),
    )
    .orderBy(asc(userId))
    .limit(page.limit);
  return rows.flatMap(({ customerId, ...row }) => (customerId === null ? [] : [{ ...row, customerId }]));
}

export async function findLastReportedDayOrNull(db: Database, userId: string): Promise<Date | null> {
  const [row] = await db
    .select({ day: stripeMeterReports.day })
    .from(stripeMeterReports)
    .where(eq(stripeMeterReports.userId, userId))
    .orderBy(desc(stripeMeterReports.day))
    .limit(1);
  return row?.day ?? null;
}

export interface DayOfUsage {
  kind: MeteredKind;
  day: Date;
  quantity: number;
}

/** What the ledger says that an account used, by day in UTC, from `from` until before `to`; the oldest day first. */
export async function sumUsageByDay(
  db: Database,
  usage: { userId: string; from: Date; to: Date },
): Promise<DayOfUsage[]> {
  const { from, to, userId } = usage;
  const kind = sql<MeteredKind>`case when ${billingEvents.type} = 'page' then 'indexed_pages'
    when ${billingEvents.tier} = 'mini' then 'messages_mini' else 'messages_premium' end`;
  const day = sql<string>`to_char(${billingEvents.createdAt} at time zone 'UTC', 'YYYY-MM-DD')`;
  const rows = await db
    .select({ kind, day, quantity: sql<number>`sum(${billingEvents.quantity})::int` })
    .from(billingEvents)
    // By their periods, which have an index: the ledger itself may hold years.
    .innerJoin(usagePeriods, eq(usagePeriods.id, billingEvents.periodId))
    .where(
      and(
        eq(usagePeriods.userId, userId),
        gt(usagePeriods.periodEnd, from),
        inArray(billingEvents.type, ['message', 'page']),
        gte(billingEvents.createdAt, from),
        lt(billingEvents.createdAt, to),
      ),
    )
    .groupBy(sql`1`, sql`2`)
    .orderBy(sql`2`, sql`1`);
  return rows.map((row) => ({ ...row, day: new Date(`${row.day}T00:00:00.000Z`) }));
}

export function listMeterReports(
  db: Database,
  reports: { userId: string; from: Date; to: Date },
): Promise<MeterReportRow[]> {
  const { userId, day } = stripeMeterReports;
  return db
    .select()
    .from(stripeMeterReports)
    .where(and(eq(userId, reports.userId), gte(day, reports.from), lt(day, reports.to)));
}

export async function insertMeterReport(
  db: Database,
  report: typeof stripeMeterReports.$inferInsert,
): Promise<void> {
  await db.insert(stripeMeterReports).values(report).onConflictDoNothing();
}
