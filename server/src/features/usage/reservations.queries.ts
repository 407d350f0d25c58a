import { and, eq, exists, gt, isNull, lte, or, sql } from 'drizzle-orm';
import { creditGrants } from '#db/schema/billing.js';
import { usagePeriods, usageReservations } from '#db/schema/usage.js';
import type { Database } from '#platform/database.js';

export type Tier = 'mini' | 'premium';

interface NewReservation {
  messageId: string;
  projectId: string;
  userId: string;
  tier: Tier;
  processId: string;
  now: Date;
  expiresAt: Date;
}

export interface ReservedPlace {
  periodId: string;
  /** Null: it is of the plan. */
  creditGrantId: string | null;
}

const COLUMNS = {
  mini: { used: 'used_messages_mini', reserved: 'reserved_messages_mini', limit: 'limit_messages_mini' },
  premium: {
    used: 'used_messages_premium',
    reserved: 'reserved_messages_premium',
    limit: 'limit_messages_premium',
  },
} as const;

/**
 * Whether models may cost more in a period. What is being answered has no cost yet, and counts as what a message of the
 * period has cost on average.
 */
const IS_UNDER_CAP = sql`(spending_cap is null or spending_cap > cost
  + (reserved_messages_mini + reserved_messages_premium)
    * coalesce(cost / nullif(used_messages_mini + used_messages_premium, 0), 0))`;

/**
 * Reserves a message of the plan in the period that is under way, in one statement: the row of the period is counted
 * up where there is room, or not at all. @returns null where there is no room, or no period yet
 */
export async function reserveOfPlan(
  db: Database,
  { messageId, projectId, userId, tier, processId, now, expiresAt }: NewReservation,
): Promise<ReservedPlace | null> {
  const column = COLUMNS[tier];
  const [used, reserved, limit] = [column.used, column.reserved, column.limit].map((name) =>
    sql.identifier(name),
  );
  const { rows } = await db.execute<{ period_id: string }>(sql`
    with period as (
      update ${usagePeriods} set ${reserved} = ${reserved} + 1, updated_at = now()
      where user_id = ${userId} and period_start <= ${now.toISOString()} and period_end > ${now.toISOString()}
        and (${limit} is null or ${used} + ${reserved} < ${limit})
        and ${IS_UNDER_CAP}
      returning id
    ), reservation as (
      insert into ${usageReservations} (message_id, project_id, user_id, period_id, tier, process_id, expires_at)
      select ${messageId}::uuid, ${projectId}::uuid, ${userId}::uuid, id, ${tier}::message_tier, ${processId}::uuid,
        ${expiresAt.toISOString()}::timestamptz
      from period
    )
    select id as period_id from period`);
  const [row] = rows;
  if (row === undefined) return null;
  return { periodId: row.period_id, creditGrantId: null };
}

export interface Room {
  period: typeof usagePeriods.$inferSelect;
  isUnderCap: boolean;
  /** In the plan or the credits. */
  hasRoom: boolean;
}

/**
 * Whether a message may find room as things stand: nothing is locked.
 * @returns null where no period is under way
 */
export async function findRoomOrNull(
  db: Database,
  { userId, tier, now }: Pick<NewReservation, 'userId' | 'tier' | 'now'>,
): Promise<Room | null> {
  const isMini = tier === 'mini';
  const used = isMini ? usagePeriods.usedMessagesMini : usagePeriods.usedMessagesPremium;
  const reserved = isMini ? usagePeriods.reservedMessagesMini : usagePeriods.reservedMessagesPremium;
  const limit = isMini ? usagePeriods.limitMessagesMini : usagePeriods.limitMessagesPremium;
  const isOfUser = and(eq(creditGrants.userId, userId), eq(creditGrants.kind, `messages_${tier}`));
  const left = sql`${creditGrants.quantity} - ${creditGrants.revoked} - ${creditGrants.used} - ${creditGrants.reserved}`;
  const isAlive = or(isNull(creditGrants.expiresAt), gt(creditGrants.expiresAt, now));
  const credits = db
    .select({ one: sql`1` })
    .from(creditGrants)
    .where(and(isOfUser, isAlive, sql`${left} > 0`));
  const [row] = await db
    .select({
      period: usagePeriods,
      isUnderCap: sql<boolean>`${IS_UNDER_CAP}`,
      hasRoom: sql<boolean>`${IS_UNDER_CAP} and (${limit} is null or ${used} + ${reserved} < ${limit} or ${exists(credits)})`,
    })
    .from(usagePeriods)
    .where(
      and(
        eq(usagePeriods.userId, userId),
        lte(usagePeriods.periodStart, now),
        gt(usagePeriods.periodEnd, now),
      ),
    );
  return row ?? null;
}

/**
 * Reserves one of the account's credits, the oldest first. With the row of the period locked: two at once would both
 * wait for the last one of a grant, and overlook the next. @returns null where there are none
 */
export async function reserveOfCredits(
  db: Database,
  { messageId, projectId, userId, tier, processId, now, expiresAt }: NewReservation,
  periodId: string,
): Promise<ReservedPlace | null> {
  const { rows } = await db.execute<{ credit_grant_id: string }>(sql`
    with credit as (
      update ${creditGrants} set reserved = reserved + 1, updated_at = now()
      where id = (
        select id from ${creditGrants}
        where user_id = ${userId} and kind = ${`messages_${tier}`}::credit_kind
          and quantity - revoked - used - reserved > 0
          and (expires_at is null or expires_at > ${now.toISOString()})
        order by created_at, id limit 1 for update
      ) and quantity - revoked - used - reserved > 0
      returning id
    )
    insert into ${usageReservations}
      (message_id, project_id, user_id, period_id, tier, credit_grant_id, process_id, expires_at)
    select ${messageId}::uuid, ${projectId}::uuid, ${userId}::uuid, ${periodId}::uuid, ${tier}::message_tier, id,
      ${processId}::uuid, ${expiresAt.toISOString()}::timestamptz
    from credit returning credit_grant_id`);
  const [row] = rows;
  if (row === undefined) return null;
  return { periodId, creditGrantId: row.credit_grant_id };
}
