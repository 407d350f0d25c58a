import { desc, eq } from 'drizzle-orm';
import { plans, subscriptions } from '#db/schema/billing.js';
import { projects } from '#db/schema/projects.js';
import { users } from '#db/schema/users.js';
import { AppError } from '#kernel/app-error.js';
import type { Database } from '#platform/database.js';

export type PlanRow = typeof plans.$inferSelect;
type PlanName = PlanRow['name'];

/** An account as those know it who write to it about its plan. */
export interface PlanHolder {
  id: string;
  email: string;
  name: string;
  plan: PlanName;
}

/**
 * Locks the account's own row. Before that of its subscription: whoever needs both takes them in this order.
 * @throws AppError `not_found`
 */
export async function lockPlanHolder(db: Database, userId: string): Promise<PlanHolder> {
  const { id, email, name, plan } = users;
  const [row] = await db
    .select({ id, email, name, plan })
    .from(users)
    .where(eq(users.id, userId))
    .for('no key update');
  if (row === undefined) throw new AppError('not_found', 'There is no such account.');
  return row;
}

export async function findPlan(db: Database, planId: string): Promise<PlanRow> {
  const [row] = await db.select().from(plans).where(eq(plans.id, planId));
  if (row === undefined) throw new Error('a period is of a plan that is not there');
  return row;
}

/** A plan in its newest version. */
export async function findNewestPlan(db: Database, name: PlanName): Promise<PlanRow> {
  const [row] = await db
    .select()
    .from(plans)
    .where(eq(plans.name, name))
    .orderBy(desc(plans.version))
    .limit(1);
  if (row === undefined) throw new Error(`there is no plan ${name}`);
  return row;
}

/** Puts an account on a plan, and the projects that it pays for. */
export async function updatePlanOfAccount(db: Database, userId: string, plan: PlanName): Promise<void> {
  await db.update(users).set({ plan }).where(eq(users.id, userId));
  await db.update(projects).set({ plan }).where(eq(projects.ownerId, userId));
}

export async function updateSubscription(
  db: Database,
  userId: string,
  changes: Partial<Omit<typeof subscriptions.$inferInsert, 'userId' | 'createdAt'>>,
): Promise<void> {
  await db.update(subscriptions).set(changes).where(eq(subscriptions.userId, userId));
}

/** Locks what an account pays. @returns by which name it is known where it pays; null: it never has */
export async function findCustomerIdOrNull(db: Database, userId: string): Promise<string | null> {
  const [row] = await db
    .select({ customerId: subscriptions.stripeCustomerId })
    .from(subscriptions)
    .where(eq(subscriptions.userId, userId))
    .for('update');
  return row?.customerId ?? null;
}
