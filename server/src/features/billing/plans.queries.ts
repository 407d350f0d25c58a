import { and, asc, desc, eq, lt } from 'drizzle-orm';
import { addOns, plans } from '#db/schema/billing.js';
import { AppError } from '#kernel/app-error.js';
import type { Database } from '#platform/database.js';

export type PlanRow = typeof plans.$inferSelect;
export type AddOnRow = typeof addOns.$inferSelect;
export type PlanName = PlanRow['name'];

interface PageFilter {
  beforeId: string | null;
  limit: number;
}

/** Versions of a plan, newest first. */
export function listPlanVersions(db: Database, name: PlanName, page: PageFilter): Promise<PlanRow[]> {
  return db
    .select()
    .from(plans)
    .where(and(eq(plans.name, name), page.beforeId === null ? undefined : lt(plans.id, page.beforeId)))
    .orderBy(desc(plans.id))
    .limit(page.limit + 1);
}

/** The newest version of a plan; until the transaction ends nobody else adds one. */
export async function lockPlan(db: Database, name: PlanName): Promise<PlanRow> {
  // The first version stays for ever: its row is what those who add one wait for. Periods that open do not.
  await db
    .select({ id: plans.id })
    .from(plans)
    .where(eq(plans.name, name))
    .orderBy(asc(plans.version))
    .limit(1)
    .for('no key update');
  const [row] = await db
    .select()
    .from(plans)
    .where(eq(plans.name, name))
    .orderBy(desc(plans.version))
    .limit(1);
  if (row === undefined) throw new Error(`there is no plan ${name}`);
  return row;
}

export async function insertPlan(db: Database, plan: typeof plans.$inferInsert): Promise<PlanRow> {
  const [row] = await db.insert(plans).values(plan).returning();
  if (row === undefined) throw new Error('insert returned no row');
  return row;
}

/** Every version of every add-on, newest first. */
export function listAddOnVersions(db: Database, page: PageFilter): Promise<AddOnRow[]> {
  return db
    .select()
    .from(addOns)
    .where(page.beforeId === null ? undefined : lt(addOns.id, page.beforeId))
    .orderBy(desc(addOns.id))
    .limit(page.limit + 1);
}

/** As `lockPlan`. @throws AppError `not_found` */
export async function lockAddOn(db: Database, code: string): Promise<AddOnRow> {
  await db
    .select({ id: addOns.id })
    .from(addOns)
    .where(eq(addOns.code, code))
    .orderBy(asc(addOns.version))
    .limit(1)
    .for('no key update');
  const [row] = await db
    .select()
    .from(addOns)
    .where(eq(addOns.code, code))
    .orderBy(desc(addOns.version))
    .limit(1);
  if (row === undefined) throw new AppError('not_found', 'There is no such add-on.');
  return row;
}

/** @returns null where another one has the code and version */
export async function insertAddOnOrNull(
  db: Database,
  addOn: typeof addOns.$inferInsert,
): Promise<AddOnRow | null> {
  const [row] = await db.insert(addOns).values(addOn).onConflictDoNothing().returning();
  return row ?? null;
}
