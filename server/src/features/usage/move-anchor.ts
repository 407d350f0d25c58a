import type { Context } from '#platform/context.js';
import { updateSubscription } from './account-plan.queries.js';
import { lockAccount } from './open-period.js';
import { periodAt } from './period-at.js';
import { updatePeriod } from './periods.queries.js';

/**
 * Has an account's periods begin with the day and time of `anchor`, as those that it pays for do. The period under way
 * ends now, and the next one begins.
 * @returns false where they do already
 * @throws AppError `not_found`
 */
export async function moveAnchor(
  tx: Pick<Context, 'db' | 'clock'>,
  userId: string,
  anchor: Date,
): Promise<boolean> {
  const { subscription, period } = await lockAccount(tx, userId);
  if (subscription.anchor?.getTime() === anchor.getTime()) return false;
  await updateSubscription(tx.db, userId, { anchor });
  const now = tx.clock.now();
  if (period.periodStart.getTime() === now.getTime()) {
    // It begins at this very instant, and is the next one already.
    await updatePeriod(tx.db, period.id, { periodEnd: periodAt(anchor, now).end });
    return true;
  }
  await updatePeriod(tx.db, period.id, { periodEnd: now });
  await lockAccount(tx, userId);
  return true;
}
