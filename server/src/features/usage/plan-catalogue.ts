import type { Context } from '#platform/context.js';
import { type AddOnRow, type PlanRow, listNewestPlans, listOfferedAddOns } from './plan-catalogue.queries.js';

const KEY = 'plan-catalogue';

export interface PlanCatalogue {
  plans: readonly PlanRow[];
  addOns: readonly AddOnRow[];
}

/**
 * The newest version of each plan, and of each add-on that is offered, from the memory of this process: seconds old at
 * most where another process has changed something. A period is opened by what the database says.
 */
export function planCatalogue(ctx: Pick<Context, 'db' | 'definitions'>): Promise<PlanCatalogue> {
  return ctx.definitions.fetch(KEY, async () => {
    const [plans, addOns] = [await listNewestPlans(ctx.db), await listOfferedAddOns(ctx.db)];
    return { plans, addOns };
  });
}
