import {
  type SQL,
  and,
  count,
  desc,
  eq,
  getTableColumns,
  gt,
  gte,
  isNotNull,
  isNull,
  lt,
  lte,
  or,
  sql,
} from 'drizzle-orm';
import { creditGrants, plans, subscriptions } from '#db/schema/billing.js';
import { documents } from '#db/schema/documents.js';
import { projects } from '#db/schema/projects.js';
import { billingEvents, usagePeriods, usageTracking } from '#db/schema/usage.js';
import { users } from '#db/schema/users.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

type PlanRow = typeof plans.$inferSelect;
type UsagePeriodRow = typeof usagePeriods.$inferSelect;

export interface AccountRow {
  plan: PlanRow['name'];
  createdAt: Date;
  /** Null: the account has not needed one yet. */
  subscription: typeof subscriptions.$inferSelect | null;
}

/** @throws AppError `not_found` */
export async function findAccount(db: Database, userId: string): Promise<AccountRow> {
  const [row] = isId(userId)
    ? await db
        .select({ plan: users.plan, createdAt: users.createdAt, subscription: subscriptions })
        .from(users)
        .leftJoin(subscriptions, eq(subscriptions.userId, users.id))
        .where(eq(users.id, userId))
    : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such account.');
  return row;
}

/** The account that pays for a project. @throws AppError `not_found` */
export async function findPayerId(db: Database, scope: ProjectScope): Promise<string> {
  const [row] = await db
    .select({ ownerId: projects.ownerId })
    .from(projects)
    .where(eq(projects.id, scope.projectId));
  if (row === undefined) throw new AppError('not_found', 'There is no such project.');
  return row.ownerId;
}

/** The version of a plan that a period is under. */
export type PeriodPlan = Pick<PlanRow, 'name' | 'version' | 'price' | 'currency'>;
export type PeriodWithPlan = UsagePeriodRow & { plan: PeriodPlan };

/** The newest period that is under way at an instant. */
export function findPeriodAtOrNull(db: Database, userId: string, at: Date): Promise<PeriodWithPlan | null> {
  return findNewestPeriodOrNull(
    db,
    userId,
    and(lte(usagePeriods.periodStart, at), gt(usagePeriods.periodEnd, at)),
  );
}

/** The newest period that began at `from` or later, and before `to`. */
export function findPeriodBegunOrNull(
  db: Database,
  userId: string,
  { from, to }: { from: Date; to: Date },
): Promise<PeriodWithPlan | null> {
  return findNewestPeriodOrNull(
    db,
    userId,
    and(gte(usagePeriods.periodStart, from), lt(usagePeriods.periodStart, to)),
  );
}

async function findNewestPeriodOrNull(
  db: Database,
  userId: string,
  condition: SQL | undefined,
): Promise<PeriodWithPlan | null> {
  const [row] = await db
    .select({
      ...getTableColumns(usagePeriods),
      plan: { name: plans.name, version: plans.version, price: plans.price, currency: plans.currency },
    })
    .from(usagePeriods)
    .innerJoin(plans, eq(plans.id, usagePeriods.planId))
    .where(and(eq(usagePeriods.userId, userId), condition))
    .orderBy(desc(usagePeriods.periodStart))
    .limit(1);
  return row ?? null;
}

export interface PeriodCounts {
  /** Charged to the plan. */
  planMini: number;
  planPremium: number;
  /** Charged at all, credits included. */
  messagesMini: number;
  messagesPremium: number;
  processedPages: number;
  cost: string;
}

/** What was counted in a period, in all projects or in one: one statement, so that the numbers are of one moment. */
export async function findPeriodCounts(
  db: Database,
  period: Pick<UsagePeriodRow, 'id'>,
  projectId: string | null,
): Promise<PeriodCounts> {
  const [row] = await db
    .select({
      planMini: usagePeriods.usedMessagesMini,
      planPremium: usagePeriods.usedMessagesPremium,
      messagesMini: sql<number>`coalesce(sum(${usageTracking.messagesMini}), 0)::int`,
      messagesPremium: sql<number>`coalesce(sum(${usageTracking.messagesPremium}), 0)::int`,
      processedPages: sql<number>`coalesce(sum(${usageTracking.indexedPages}), 0)::int`,
      cost: sql<string>`coalesce(sum(${usageTracking.cost}), 0)::numeric(18, 9)::text`,
    })
    .from(usagePeriods)
    .leftJoin(
      usageTracking,
      and(
        eq(usageTracking.userId, usagePeriods.userId),
        eq(usageTracking.periodStart, usagePeriods.periodStart),
        projectId === null ? undefined : eq(usageTracking.projectId, projectId),
      ),
    )
    .where(eq(usagePeriods.id, period.id))
    .groupBy(usagePeriods.id);
  if (row === undefined) throw new Error('a period is gone that was there');
  return row;
}

/** Messages of a project in a period that credits paid for, by tier. */
export async function countCreditMessages(
  db: Database,
  of: { periodId: string; projectId: string },
): Promise<{ mini: number; premium: number }> {
  const [row] = await db
    .select({
      mini: sql<number>`coalesce(sum(${billingEvents.quantity}) filter (where ${billingEvents.tier} = 'mini'), 0)::int`,
      premium: sql<number>`coalesce(sum(${billingEvents.quantity}) filter (where ${billingEvents.tier} = 'premium'), 0)::int`,
    })
    .from(billingEvents)
    .where(
      and(
        eq(billingEvents.periodId, of.periodId),
        eq(billingEvents.type, 'message'),
        eq(billingEvents.projectId, of.projectId),
        isNotNull(billingEvents.creditGrantId),
      ),
    );
  return row ?? { mini: 0, premium: 0 };
}

export type CreditsLeft = Record<'messages_mini' | 'messages_premium' | 'indexed_pages', number>;

/** Credits of an account that are left and have not expired. */
export async function sumCreditsLeft(db: Database, userId: string, now: Date): Promise<CreditsLeft> {
  const { kind, quantity, used, reserved, revoked, expiresAt } = creditGrants;
  const rows = await db
    .select({ kind, left: sql<number>`sum(${quantity} - ${used} - ${reserved} - ${revoked})::int` })
    .from(creditGrants)
    .where(and(eq(creditGrants.userId, userId), or(isNull(expiresAt), gt(expiresAt, now))))
    .groupBy(kind);
  const left: CreditsLeft = { messages_mini: 0, messages_premium: 0, indexed_pages: 0 };
  for (const row of rows) left[row.kind] = Math.max(0, row.left);
  return left;
}

/** Pages that are indexed now, in all projects that an account pays for or in one of them. */
export async function countIndexedPages(
  db: Database,
  of: { userId: string; projectId: string | null },
): Promise<number> {
  const [row] = await db
    .select({ pages: count() })
    .from(documents)
    .innerJoin(projects, eq(projects.id, documents.projectId))
    .where(
      and(
        eq(projects.ownerId, of.userId),
        of.projectId === null ? undefined : eq(projects.id, of.projectId),
        gt(documents.liveVersion, 0),
      ),
    );
  return row?.pages ?? 0;
}

export function countChatbots(
  db: Database,
  of: { userId: string; projectId: string | null },
): Promise<number> {
  return db.$count(
    projects,
    and(eq(projects.ownerId, of.userId), of.projectId === null ? undefined : eq(projects.id, of.projectId)),
  );
}

export interface DayCounts {
  /** `YYYY-MM-DD`, in UTC. */
  day: string;
  messagesMini: number;
  messagesPremium: number;
  pages: number;
  cost: string;
}

/**
 * What the ledger says of each day of a period, of those that it has lines of. What was settled after the end of its
 * period is of the last day.
 */
export function listDayCounts(
  db: Database,
  period: UsagePeriodRow,
  projectId: string | null,
): Promise<DayCounts[]> {
  const lastInstant = new Date(period.periodEnd.getTime() - 1).toISOString();
  const day = sql<string>`to_char(
    least(${billingEvents.createdAt}, ${lastInstant}::timestamptz) at time zone 'UTC', 'YYYY-MM-DD')`;
  const { type, tier, quantity } = billingEvents;
  const sumOf = (condition: ReturnType<typeof sql>) =>
    sql<number>`coalesce(sum(${quantity}) filter (where ${condition}), 0)::int`;
  return db
    .select({
      day: day.as('day'),
      messagesMini: sumOf(sql`${type} = 'message' and ${tier} = 'mini'`),
      messagesPremium: sumOf(sql`${type} = 'message' and ${tier} = 'premium'`),
      pages: sumOf(sql`${type} = 'page'`),
      cost: sql<string>`sum(${billingEvents.cost})::numeric(18, 9)::text`,
    })
    .from(billingEvents)
    .where(
      and(
        eq(billingEvents.periodId, period.id),
        sql`${type} in ('message', 'uncharged_cost', 'page')`,
        projectId === null ? undefined : eq(billingEvents.projectId, projectId),
      ),
    )
    .groupBy(sql`1`)
    .orderBy(sql`1`);
}
