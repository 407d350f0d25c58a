import { asc, desc, eq } from 'drizzle-orm';
import { addOns, plans } from '#db/schema/billing.js';
import type { Database } from '#platform/database.js';

export type PlanRow = typeof plans.$inferSelect;
export type AddOnRow = typeof addOns.$inferSelect;

/** The newest version of each plan, in the order of their sizes. */
export function listNewestPlans(db: Database): Promise<PlanRow[]> {
  return db.selectDistinctOn([plans.name]).from(plans).orderBy(asc(plans.name), desc(plans.version));
}

/** The newest version of each add-on that is offered. */
export function listOfferedAddOns(db: Database): Promise<AddOnRow[]> {
  const newest = db
    .selectDistinctOn([addOns.code])
    .from(addOns)
    .orderBy(asc(addOns.code), desc(addOns.version))
    .as('newest');
  return db.select().from(newest).where(eq(newest.isOffered, true)).orderBy(asc(newest.code));
}
