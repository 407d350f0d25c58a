import { sql } from 'drizzle-orm';
import { creditGrants } from '#db/schema/billing.js';
import { billingEvents, usagePeriods, usageReservations, usageTracking } from '#db/schema/usage.js';
import type { Database } from '#platform/database.js';

/** A counter that is not what the ledger comes to. */
interface UsageDifference {
  /** Of a period of an account, of a project in it, or of credits. */
  of: 'period' | 'project' | 'credits';
  /** Of the row with the counter. */
  id: string;
  userId: string;
  counter: string;
  /** By the ledger, and as it stands; decimals. */
  expected: string;
  actual: string;
}

export interface Reconciliation {
  /** Counters that were compared. */
  counters: number;
  differences: UsageDifference[];
}

/**
 * Recomputes every counter from the ledger and from what is reserved. One statement, so that it sees one state of
 * everything, also while messages come in. @param limit of the differences that are told
 */
export async function compareCounters(db: Database, limit: number): Promise<Reconciliation> {
  const { rows } = await db.execute<{
    of: UsageDifference['of'];
    id: string;
    user_id: string;
    counter: string;
    expected: string;
    actual: string;
    counters: number;
  }>(sql`
    with booked as (
      select period_id, user_id, project_id, tier, type, credit_grant_id, quantity, cost from ${billingEvents}
    ), reserved as (
      select period_id, tier, credit_grant_id, count(*) as quantity from ${usageReservations}
      group by period_id, tier, credit_grant_id
    ), by_period as (
      select period_id,
        sum(quantity) filter (where type = 'message' and tier = 'mini' and credit_grant_id is null) as mini,
        sum(quantity) filter (where type = 'message' and tier = 'premium' and credit_grant_id is null) as premium,
        sum(quantity) filter (where type = 'page') as pages,
        sum(cost) as cost
      from booked where period_id is not null group by period_id
    ), reserved_by_period as (
      select period_id, sum(quantity) filter (where tier = 'mini') as mini,
        sum(quantity) filter (where tier = 'premium') as premium
      from reserved where credit_grant_id is null group by period_id
    ), by_project as (
      select booked.user_id, booked.project_id, period.period_start,
        sum(quantity) filter (where type = 'message' and tier = 'mini') as mini,
        sum(quantity) filter (where type = 'message' and tier = 'premium') as premium,
        sum(quantity) filter (where type = 'page') as pages, sum(booked.cost) as cost
      from booked join ${usagePeriods} period on period.id = booked.period_id
      where booked.project_id is not null
      group by booked.user_id, booked.project_id, period.period_start
    ), by_grant as (
      select credit_grant_id, sum(quantity) filter (where type = 'message') as used,
        sum(quantity) filter (where type = 'credits_granted') as granted,
        -sum(quantity) filter (where type in ('credits_revoked', 'credits_expired')) as revoked
      from booked where credit_grant_id is not null group by credit_grant_id
    ), compared as (
      select 'period' as of, period.id, period.user_id, counter.name, counter.expected, counter.actual
      from ${usagePeriods} period
      left join by_period on by_period.period_id = period.id
      left join reserved_by_period on reserved_by_period.period_id = period.id
      cross join lateral (values
        ('used_messages_mini', by_period.mini, period.used_messages_mini),
        ('used_messages_premium', by_period.premium, period.used_messages_premium),
        ('reserved_messages_mini', reserved_by_period.mini, period.reserved_messages_mini),
        ('reserved_messages_premium', reserved_by_period.premium, period.reserved_messages_premium),
        ('processed_pages', by_period.pages, period.processed_pages),
        ('cost', by_period.cost, period.cost)
      ) as counter (name, expected, actual)
      union all
      select 'project', coalesce(tracked.id, by_project.project_id), coalesce(tracked.user_id, by_project.user_id),
        counter.name, counter.expected, counter.actual
      from ${usageTracking} tracked
      full join by_project on by_project.user_id = tracked.user_id and by_project.project_id = tracked.project_id
        and by_project.period_start = tracked.period_start
      cross join lateral (values
        ('messages_mini', by_project.mini, tracked.messages_mini),
        ('messages_premium', by_project.premium, tracked.messages_premium),
        ('indexed_pages', by_project.pages, tracked.indexed_pages),
        ('cost', by_project.cost, tracked.cost)
      ) as counter (name, expected, actual)
      union all
      select 'credits', credit.id, credit.user_id, counter.name, counter.expected, counter.actual
      from ${creditGrants} credit
      left join by_grant on by_grant.credit_grant_id = credit.id
      left join (select credit_grant_id, sum(quantity) as quantity from reserved group by credit_grant_id) held
        on held.credit_grant_id = credit.id
      cross join lateral (values
        ('quantity', by_grant.granted, credit.quantity),
        ('used', by_grant.used, credit.used),
        ('reserved', held.quantity, credit.reserved),
        ('revoked', by_grant.revoked, credit.revoked)
      ) as counter (name, expected, actual)
    ), numbered as (
      select of, id, user_id, name, coalesce(expected, 0) as expected, coalesce(actual, 0) as actual from compared
    ), total as (select count(*)::int as counters from numbered)
    select total.counters, different.of, different.id, different.user_id, different.name as counter,
      different.expected::text, different.actual::text
    from total left join lateral (
      select * from numbered where expected <> actual order by user_id, of, id, name limit ${limit}
    ) different on true`);
  return {
    counters: rows[0]?.counters ?? 0,
    differences: rows.flatMap(({ of, id, user_id: userId, counter, expected, actual }) =>
      of === null ? [] : [{ of, id, userId, counter, expected, actual }],
    ),
  };
}
