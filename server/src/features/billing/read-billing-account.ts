import type { z } from 'zod';
import { normalAmount } from '#kernel/normal-amount.js';
import type { Context } from '#platform/context.js';
import { COST_CURRENCY } from '#features/usage/message-cost.js';
import { readPeriod } from '#features/usage/read-usage.js';
import { findSubscriptionOrNull } from './account.queries.js';
import type { billingAccountSchema } from './account.schemas.js';

/** What an account pays and may. Before it has used anything, what holds when it does. @throws AppError `not_found` */
export async function readBillingAccount(
  ctx: Pick<Context, 'db' | 'clock' | 'definitions'>,
  userId: string,
): Promise<z.infer<typeof billingAccountSchema>> {
  const { period } = await readPeriod(ctx, { type: 'account', userId }, null);
  const subscription = await findSubscriptionOrNull(ctx.db, userId);
  const { humanTicketCost = null, spendingCap = null } = subscription ?? {};
  return {
    plan: period.plan.name,
    status: subscription?.status ?? 'active',
    price: subscription?.customPrice ?? period.plan.price,
    currency: period.plan.currency,
    anchor: subscription?.anchor?.toISOString() ?? null,
    periodStart: period.start.toISOString(),
    periodEnd: period.end.toISOString(),
    trialEndsAt: subscription?.trialEndsAt?.toISOString() ?? null,
    pendingPlan: subscription?.pendingPlan ?? null,
    pendingAt: subscription?.pendingAt?.toISOString() ?? null,
    limits: period.limits,
    customLimits: subscription?.customLimits ?? {},
    spendingCap: spendingCap === null ? null : normalAmount(spendingCap),
    humanTicketCost: humanTicketCost === null ? null : normalAmount(humanTicketCost),
    costCurrency: COST_CURRENCY,
  };
}
