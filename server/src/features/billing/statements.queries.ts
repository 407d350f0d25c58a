import { and, asc, desc, eq, getTableColumns, gte, inArray, lt, sql } from 'drizzle-orm';
import { addOns, creditGrants, invoices, plans } from '#db/schema/billing.js';
import { billingEvents, usagePeriods, usageTracking } from '#db/schema/usage.js';
import type { Database } from '#platform/database.js';

interface PageFilter {
  beforeId: string | null;
  limit: number;
}

const tracked = (column: 'messages_mini' | 'messages_premium') => sql<number>`(
  select coalesce(sum(tracked.${sql.identifier(column)}), 0)::int from ${usageTracking} tracked
  where tracked.user_id = usage_periods.user_id and tracked.period_start = usage_periods.period_start)`;

const statementColumns = {
  ...getTableColumns(usagePeriods),
  plan: plans.name,
  planVersion: plans.version,
  planPrice: plans.price,
  currency: plans.currency,
  allMini: tracked('messages_mini'),
  allPremium: tracked('messages_premium'),
};

export type StatementRow = Awaited<ReturnType<typeof listStatementRows>>[number];

/** Periods of an account with what was used in them, newest first. @param month those that begin in it; null: all */
export function listStatementRows(
  db: Database,
  filter: { userId: string; month: { start: Date; end: Date } | null } & PageFilter,
) {
  const { userId, month, beforeId, limit } = filter;
  return db
    .select(statementColumns)
    .from(usagePeriods)
    .innerJoin(plans, eq(plans.id, usagePeriods.planId))
    .where(
      and(
        eq(usagePeriods.userId, userId),
        month === null
          ? undefined
          : and(gte(usagePeriods.periodStart, month.start), lt(usagePeriods.periodStart, month.end)),
        beforeId === null ? undefined : lt(usagePeriods.id, beforeId),
      ),
    )
    .orderBy(desc(usagePeriods.id))
    .limit(limit + 1);
}

export type AgreedPriceRow = Awaited<ReturnType<typeof listAgreedPrices>>[number];

/** What was agreed on with an account as its price, from when on, oldest first. Null: what the plan costs. */
export function listAgreedPrices(db: Database, userId: string) {
  // By periods, of which there are few: an index has the lines of each by their type.
  const own = db.select({ id: usagePeriods.id }).from(usagePeriods).where(eq(usagePeriods.userId, userId));
  return db
    .select({
      from: billingEvents.createdAt,
      price: sql<string | null>`${billingEvents.metadata} -> 'after' ->> 'customPrice'`,
    })
    .from(billingEvents)
    .where(and(inArray(billingEvents.periodId, own), eq(billingEvents.type, 'plan_changed')))
    .orderBy(asc(billingEvents.createdAt), asc(billingEvents.id));
}

export type GrantRow = Awaited<ReturnType<typeof listGrantRows>>[number];

/** Credits that an account got from `from` on and before `to`, oldest first. */
export function listGrantRows(db: Database, { userId, from, to }: { userId: string; from: Date; to: Date }) {
  return db
    .select({ ...getTableColumns(creditGrants), name: addOns.name })
    .from(creditGrants)
    .leftJoin(addOns, eq(addOns.id, creditGrants.addOnId))
    .where(
      and(eq(creditGrants.userId, userId), gte(creditGrants.createdAt, from), lt(creditGrants.createdAt, to)),
    )
    .orderBy(asc(creditGrants.createdAt), asc(creditGrants.id));
}

export type InvoiceRow = typeof invoices.$inferSelect;

/** Invoices of an account, newest first. */
export function listInvoices(
  db: Database,
  { userId, beforeId, limit }: { userId: string } & PageFilter,
): Promise<InvoiceRow[]> {
  return db
    .select()
    .from(invoices)
    .where(and(eq(invoices.userId, userId), beforeId === null ? undefined : lt(invoices.id, beforeId)))
    .orderBy(desc(invoices.id))
    .limit(limit + 1);
}
