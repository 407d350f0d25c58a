import type { z } from 'zod';
import type { PlanLimits } from '#db/schema/billing.js';
import type { AddOnRow, PlanRow } from './plans.queries.js';
import type { addOnVersionSchema, planVersionSchema } from './plans.schemas.js';

/** A version of a plan as admins see it; the response schema of the others leaves out what is not theirs. */
export function presentPlan(plan: PlanRow): z.infer<typeof planVersionSchema> {
  const { id, name, version, price, currency, stripePriceId } = plan;
  const createdAt = plan.createdAt.toISOString();
  return { id, plan: name, version, price, currency, limits: limitsOf(plan), stripePriceId, createdAt };
}

export function presentAddOn(addOn: AddOnRow): z.infer<typeof addOnVersionSchema> {
  return { ...addOn, createdAt: addOn.createdAt.toISOString() };
}

type LimitColumns = Pick<
  PlanRow,
  'limitChatbots' | 'limitMessagesMini' | 'limitMessagesPremium' | 'limitIndexedPages'
>;

export function limitsOf(plan: LimitColumns): PlanLimits {
  return {
    chatbots: plan.limitChatbots,
    messagesMini: plan.limitMessagesMini,
    messagesPremium: plan.limitMessagesPremium,
    indexedPages: plan.limitIndexedPages,
  };
}
