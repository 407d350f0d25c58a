import type { Context } from '#platform/context.js';
import { type PlanHolder, lockPlanHolder } from './account-plan.queries.js';
import { type Account, lockAccount } from './open-period.js';

export interface Payer extends Account {
  user: PlanHolder;
}

/**
 * Locks an account, with what it pays and may, until the transaction ends: for whoever may change its plan.
 * @throws AppError `not_found`
 */
export async function lockPayer(tx: Pick<Context, 'db' | 'clock'>, userId: string): Promise<Payer> {
  const user = await lockPlanHolder(tx.db, userId);
  return { user, ...(await lockAccount(tx, userId)) };
}
