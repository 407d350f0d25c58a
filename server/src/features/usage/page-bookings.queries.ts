import { sql } from 'drizzle-orm';
import { billingEvents, usagePeriods, usageTracking } from '#db/schema/usage.js';
import type { Database } from '#platform/database.js';

interface NewBooking {
  userId: string;
  projectId: string;
  documentId: string;
  version: number;
  reason: 'added' | 'changed';
  /** What embedding it cost, in US dollars. */
  cost: string;
  now: Date;
  /** For the rows that it may add. */
  ids: { event: string; tracking: string };
}

/**
 * Writes a line for a version of a page into the ledger and counts it, in one statement: only who adds the line counts.
 * @returns false where no period is under way: then it has done nothing
 */
export async function insertPageBooking(db: Database, booking: NewBooking): Promise<boolean> {
  const { userId, projectId, documentId, version, reason, cost, ids } = booking;
  const at = sql`${booking.now.toISOString()}::timestamptz`;
  const { rows } = await db.execute<{ hasPeriod: boolean }>(sql`
    with period as (
      select id from ${usagePeriods} where user_id = ${userId} and period_start <= ${at} and period_end > ${at}
    ), booked as (
      insert into ${billingEvents}
        (id, user_id, project_id, type, reason, quantity, period_id, cost, idempotency_key, metadata, created_at,
         updated_at)
      select ${ids.event}::uuid, ${userId}::uuid, ${projectId}::uuid, 'page', ${reason}, 1, id, ${cost}::numeric,
        ${`page:${documentId}:${version}`},
        jsonb_build_object('documentId', ${documentId}::text, 'version', ${version}::int), ${at}, ${at}
      from period
      on conflict do nothing returning period_id
    ), counted as (
      update ${usagePeriods} counter set processed_pages = counter.processed_pages + 1,
        cost = counter.cost + ${cost}::numeric, updated_at = now()
      from booked where counter.id = booked.period_id
      returning counter.period_start
    ), tracked as (
      insert into ${usageTracking} as tracked (id, user_id, project_id, period_start, indexed_pages, cost)
      select ${ids.tracking}::uuid, ${userId}::uuid, ${projectId}::uuid, period_start, 1, ${cost}::numeric
      from counted
      on conflict (user_id, period_start, project_id) do update set
        indexed_pages = tracked.indexed_pages + 1, cost = tracked.cost + excluded.cost, updated_at = now()
    )
    select exists (select from period) as "hasPeriod"`);
  return rows[0]?.hasPeriod === true;
}
