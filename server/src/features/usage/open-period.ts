import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import { periodAt } from './period-at.js';
import {
  type SubscriptionRow,
  type UsagePeriodRow,
  findLastPeriodEndOrNull,
  findPlanOfUser,
  insertPeriod,
  limitsOf,
  lockPeriodOrNull,
  lockSubscriptionOrNull,
} from './periods.queries.js';
import { recordBillingEvent } from './record-billing-event.js';

export interface Account {
  subscription: SubscriptionRow;
  /** The one that is under way. */
  period: UsagePeriodRow;
}

/**
 * Locks what an account pays and may, until the transaction ends: whoever counts something against a limit does it
 * after this, one after the other. The period that is under way is opened where nobody has yet.
 * @throws AppError `not_found` for an account that was erased
 */
export async function lockAccount(tx: Pick<Context, 'db' | 'clock'>, userId: string): Promise<Account> {
  const subscription = await lockSubscriptionOrNull(tx.db, userId);
  if (subscription === null) throw new AppError('not_found', 'The account that pays for this is gone.');
  const period =
    (await lockPeriodOrNull(tx.db, userId, tx.clock.now())) ?? (await openPeriod(tx, subscription));
  return { subscription, period };
}

/** With the subscription locked. The limits are those of the plan's newest version, and stay. */
async function openPeriod(
  tx: Pick<Context, 'db' | 'clock'>,
  { userId, anchor, customLimits, spendingCap }: SubscriptionRow,
): Promise<UsagePeriodRow> {
  const plan = await findPlanOfUser(tx.db, userId);
  const limits = limitsOf(plan, customLimits);
  const { start, end } = periodAt(anchor, tx.clock.now());
  // One that ended early, as the account's anchor was moved, leaves the rest of its month to this one.
  const lastEnd = await findLastPeriodEndOrNull(tx.db, userId);
  const periodStart = lastEnd !== null && lastEnd > start && lastEnd <= tx.clock.now() ? lastEnd : start;
  const period = await insertPeriod(tx.db, {
    id: newId(),
    userId,
    periodStart,
    periodEnd: end,
    planId: plan.id,
    limitChatbots: limits.chatbots,
    limitMessagesMini: limits.messagesMini,
    limitMessagesPremium: limits.messagesPremium,
    limitIndexedPages: limits.indexedPages,
    spendingCap,
  });
  await recordBillingEvent(tx, {
    userId,
    type: 'period_opened',
    reason: plan.name,
    quantity: 0,
    periodId: period.id,
    idempotencyKey: `period:${userId}:${periodStart.toISOString()}`,
    metadata: { plan: plan.name, version: plan.version, limits, periodEnd: end.toISOString() },
  });
  return period;
}
