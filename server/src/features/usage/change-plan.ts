import { isDeepStrictEqual } from 'node:util';
import type { PlanLimits } from '#db/schema/billing.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { Caller } from '#platform/scope.js';
import { recordAudit } from '#features/audit/record-audit.js';
import {
  type PlanRow,
  findNewestPlan,
  findPlan,
  updatePlanOfAccount,
  updateSubscription,
} from './account-plan.queries.js';
import { type Payer, lockPayer } from './lock-payer.js';
import { type PlanName, limitsOf, updatePeriod } from './periods.queries.js';
import { recordBillingEvent } from './record-billing-event.js';

export interface PlanChange {
  plan: PlanName;
  /** Agreed on for this account. Unset: as it was, and none on another plan. */
  customLimits?: Partial<PlanLimits> | undefined;
  /** A month, in the plan's currency. Unset: as it was, and none on another plan. */
  customPrice?: string | null | undefined;
  /** Such as `admin` or `subscription_ended`. */
  reason: string;
}

interface Terms {
  plan: PlanRow;
  customLimits: Partial<PlanLimits>;
  customPrice: string | null;
}

/**
 * Puts an account on a plan, at once: its projects and the limits of the period that is under way follow. What was used
 * stays used: a larger plan adds the difference, under a smaller one there may be no room until the next period.
 * @returns false where it is on that plan already, on the same terms
 * @throws AppError `not_found`
 */
export async function changePlan(
  tx: Pick<Context, 'db' | 'clock'>,
  caller: Caller,
  userId: string,
  change: PlanChange,
): Promise<boolean> {
  const payer = await lockPayer(tx, userId);
  const before = await termsBefore(tx, payer);
  const after = await termsAfter(tx, payer, before, change);
  const isSame = payer.user.plan === after.plan.name && isDeepStrictEqual(shown(before), shown(after));
  if (isSame) return false;
  const { customLimits, customPrice } = after;
  const limits = limitsOf(after.plan, customLimits);
  await updatePlanOfAccount(tx.db, userId, after.plan.name);
  await updateSubscription(tx.db, userId, { customLimits, customPrice });
  await updatePeriod(tx.db, payer.period.id, {
    planId: after.plan.id,
    limitChatbots: limits.chatbots,
    limitMessagesMini: limits.messagesMini,
    limitMessagesPremium: limits.messagesPremium,
    limitIndexedPages: limits.indexedPages,
  });
  const changes = { before: { ...shown(before), plan: payer.user.plan }, after: shown(after) };
  await recordBillingEvent(tx, {
    userId,
    type: 'plan_changed',
    reason: change.reason,
    quantity: 0,
    periodId: payer.period.id,
    idempotencyKey: `plan_changed:${userId}:${newId()}`,
    metadata: { ...changes, limits },
  });
  await recordAudit(tx, caller, {
    projectId: null,
    action: 'user.change_plan',
    resourceType: 'user',
    resourceId: userId,
    changes: { reason: change.reason, ...changes },
  });
  return true;
}

async function termsBefore(tx: Pick<Context, 'db'>, { period, subscription }: Payer): Promise<Terms> {
  const { customLimits, customPrice } = subscription;
  return { plan: await findPlan(tx.db, period.planId), customLimits, customPrice };
}

/** Who stays on a plan stays on its version until the period ends. */
async function termsAfter(
  tx: Pick<Context, 'db'>,
  { user }: Payer,
  before: Terms,
  change: PlanChange,
): Promise<Terms> {
  const isStaying = user.plan === change.plan;
  const isSameVersion = before.plan.name === change.plan;
  const kept = isStaying ? before : { customLimits: {}, customPrice: null };
  return {
    plan: isSameVersion ? before.plan : await findNewestPlan(tx.db, change.plan),
    customLimits: change.customLimits ?? kept.customLimits,
    customPrice: change.customPrice === undefined ? kept.customPrice : change.customPrice,
  };
}

function shown({ plan, customLimits, customPrice }: Terms) {
  return { plan: plan.name, version: plan.version, customLimits, customPrice };
}
