import { and, eq, lt, or, sql } from 'drizzle-orm';
import { creditGrants } from '#db/schema/billing.js';
import { messages } from '#db/schema/conversations.js';
import { billingEvents, usagePeriods, usageReservations, usageTracking } from '#db/schema/usage.js';
import type { Database } from '#platform/database.js';
import { isHeldByDeadProcess } from '#platform/processes/processes.queries.js';
import type { ProjectScope } from '#platform/scope.js';

export type MessageRow = typeof messages.$inferSelect;
export type MessageEnd = Partial<Omit<typeof messages.$inferInsert, 'id' | 'projectId'>>;

interface Settlement {
  messageId: string;
  end: MessageEnd;
  charge: { charged: boolean; reason: NonNullable<MessageRow['chargeReason']> };
  /** What models cost, in US dollars. */
  cost: string;
  now: Date;
  /** Of a limit, from which on the account is to be warned. */
  warningPercent: number;
  /** For the rows that it may add. */
  ids: { event: string; tracking: string };
}

/**
 * Stores the end of an answer and settles its reservation, in one statement and once: the message is changed only while
 * it is streaming, and only who takes the reservation away moves counters and writes the ledger. It settles in the
 * period that the message was reserved in, also when that has ended. A message whose conversation was deleted is
 * settled all the same.
 * @returns the message, and whether the account's messages come to a step of the warnings by it; null where the answer had
 * ended before, or its conversation was deleted
 */
export async function closeAndSettle(
  db: Database,
  scope: Pick<ProjectScope, 'projectId'>,
  settlement: Settlement,
): Promise<{ message: MessageRow; isNearLimit: boolean } | null> {
  const { messageId, end, charge } = settlement;
  const steps = Object.entries(stepsOf(settlement)).map(([name, step]) => db.$with(name, {}).as(step));
  const [row] = await db
    .with(...steps)
    .update(messages)
    .set({ ...end, charged: charge.charged, chargeReason: charge.reason })
    .where(
      and(
        eq(messages.projectId, scope.projectId),
        eq(messages.id, messageId),
        eq(messages.status, 'streaming'),
      ),
    )
    .returning({
      message: messages,
      isNearLimit: sql<boolean>`coalesce((select is_near_limit from counted), false)`,
    });
  return row ?? null;
}

/** Each step reads from the one before it, so that rows are locked in one order everywhere: period, credits, project. */
function stepsOf({ messageId, charge, cost, now, warningPercent, ids }: Settlement) {
  const units = charge.charged ? 1 : 0;
  const at = sql`${now.toISOString()}::timestamptz`;
  return {
    taken: sql`delete from ${usageReservations} where message_id = ${messageId}
      returning user_id, project_id, period_id, tier, credit_grant_id`,
    counted: sql`update ${usagePeriods} period set
        ${counterChange('mini', units)}, ${counterChange('premium', units)},
        cost = period.cost + ${cost}::numeric, updated_at = now()
      from taken where period.id = taken.period_id
      returning taken.*, period.period_start, ${isNearLimit(units, warningPercent)} as is_near_limit`,
    credited: sql`update ${creditGrants} credit
      set reserved = credit.reserved - 1, used = credit.used + ${units}::int, updated_at = now()
      from counted where credit.id = counted.credit_grant_id`,
    tracked: sql`insert into ${usageTracking} as tracked
        (id, user_id, project_id, period_start, messages_mini, messages_premium, cost)
      select ${ids.tracking}::uuid, user_id, project_id, period_start,
        case when tier = 'mini' then ${units}::int else 0 end,
        case when tier = 'premium' then ${units}::int else 0 end, ${cost}::numeric
      from counted where ${units}::int > 0 or ${cost}::numeric > 0
      on conflict (user_id, period_start, project_id) do update set
        messages_mini = tracked.messages_mini + excluded.messages_mini,
        messages_premium = tracked.messages_premium + excluded.messages_premium,
        cost = tracked.cost + excluded.cost, updated_at = now()`,
    booked: sql`insert into ${billingEvents}
        (id, user_id, project_id, type, reason, quantity, tier, period_id, credit_grant_id, cost, idempotency_key,
         metadata, created_at, updated_at)
      select ${ids.event}::uuid, user_id, project_id,
        ${charge.charged ? 'message' : 'uncharged_cost'}::billing_event_type, ${charge.reason}, ${units}::int, tier,
        period_id, credit_grant_id, ${cost}::numeric, ${`message:${messageId}`},
        jsonb_build_object('messageId', ${messageId}::text), ${at}, ${at}
      from counted where ${units}::int > 0 or ${cost}::numeric > 0
      on conflict (idempotency_key) do nothing`,
  };
}

/**
 * Whether this message, with all that were settled before it, comes to where the account is told. By what is used: the
 * places that are reserved may come to nothing, and the message that was reserved last need not be settled last.
 */
function isNearLimit(units: number, percent: number) {
  const isNear = (tier: 'mini' | 'premium') => {
    const [used, limit] = [sql.identifier(`used_messages_${tier}`), sql.identifier(`limit_messages_${tier}`)];
    return sql`(taken.tier = ${tier}::message_tier and period.${used}::bigint * 100 >= period.${limit}::bigint * ${percent}::int)`;
  };
  return sql`(${units}::int > 0 and taken.credit_grant_id is null and (${isNear('mini')} or ${isNear('premium')}))`;
}

/** A place of the plan's is given back, and used where the message is charged; one of the credits is not counted here. */
function counterChange(tier: 'mini' | 'premium', units: number) {
  const [used, reserved] = [
    sql.identifier(`used_messages_${tier}`),
    sql.identifier(`reserved_messages_${tier}`),
  ];
  const isOfPlan = sql`(taken.tier = ${tier}::message_tier and taken.credit_grant_id is null)::int`;
  return sql`${reserved} = period.${reserved} - ${isOfPlan}, ${used} = period.${used} + ${isOfPlan} * ${units}::int`;
}

/**
 * Ends answers of every project whose process died, or that are older than any takes, as failed, and gives back what
 * was reserved for them and for messages that are gone. Nothing of it is charged.
 * @returns how many answers it ended
 */
export async function closeAbandoned(
  db: Database,
  abandoned: { startedBefore: Date; now: Date; ownProcessId: string },
): Promise<number> {
  const { startedBefore, now, ownProcessId } = abandoned;
  const steps = {
    ended: db
      .update(messages)
      .set({ status: 'failed', chargeReason: 'failed' })
      .where(
        and(
          eq(messages.status, 'streaming'),
          or(isHeldByDeadProcess(messages.processId, ownProcessId), lt(messages.createdAt, startedBefore)),
        ),
      )
      .returning({ id: messages.id })
      .getSQL(),
    taken: sql`delete from ${usageReservations}
      where message_id in (select id from ended)
        or ((expires_at < ${now.toISOString()} or ${isHeldByDeadProcess(usageReservations.processId, ownProcessId)})
          and not exists (select from ${messages} where id = message_id and status = 'streaming'))
      returning period_id, tier, credit_grant_id`,
    counted: sql`update ${usagePeriods} period set
        reserved_messages_mini = period.reserved_messages_mini - freed.mini,
        reserved_messages_premium = period.reserved_messages_premium - freed.premium, updated_at = now()
      from (
        select period_id, count(*) filter (where tier = 'mini')::int as mini,
          count(*) filter (where tier = 'premium')::int as premium
        from taken where credit_grant_id is null group by period_id
      ) freed where period.id = freed.period_id returning period.id`,
    credited: sql`update ${creditGrants} credit set reserved = credit.reserved - freed.quantity, updated_at = now()
      from (
        select credit_grant_id, count(*)::int as quantity from taken where credit_grant_id is not null
        group by credit_grant_id
      ) freed where credit.id = freed.credit_grant_id and (select count(*) from counted) >= 0`,
  };
  const named = Object.entries(steps).map(([name, step]) => sql`${sql.identifier(name)} as (${step})`);
  const { rows } = await db.execute<{ count: number }>(
    sql`with ${sql.join(named, sql`, `)} select count(*)::int as count from ended`,
  );
  return rows[0]?.count ?? 0;
}
