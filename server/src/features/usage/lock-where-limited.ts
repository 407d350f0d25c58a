import type { Context } from '#platform/context.js';
import { lockAccount } from './open-period.js';
import { type UsagePeriodRow, findPeriodOrNull } from './periods.queries.js';

/** Locks an account that may not have as much of something as it likes. Null: it may, and nothing is locked. */
export async function lockWhereLimited(
  tx: Pick<Context, 'db' | 'clock'>,
  userId: string,
  name: 'limitChatbots' | 'limitIndexedPages',
): Promise<{ period: UsagePeriodRow; limit: number } | null> {
  const known = await findPeriodOrNull(tx.db, userId, tx.clock.now());
  if (known !== null && known[name] === null) return null;
  const { period } = await lockAccount(tx, userId);
  const limit = period[name];
  return limit === null ? null : { period, limit };
}
