import { and, desc, eq, getTableColumns, ilike, isNotNull, isNull, lt, ne, or, sql } from 'drizzle-orm';
import { subscriptions } from '#db/schema/billing.js';
import { users } from '#db/schema/users.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';

export type UserRow = Omit<typeof users.$inferSelect, 'passwordHash'>;
type SubscriptionRow = typeof subscriptions.$inferSelect;
export type UserWithCount = UserRow & { projectCount: number } & {
  [Name in 'customLimits' | 'customPrice']: SubscriptionRow[Name] | null;
};

const { passwordHash: _passwordHash, ...columns } = getTableColumns(users);
const withProjectCount = {
  ...columns,
  // Written out: Drizzle would name the column without its table.
  projectCount: sql<number>`(select count(*)::int from projects owned where owned.owner_id = users.id)`,
  customLimits: subscriptions.customLimits,
  customPrice: subscriptions.customPrice,
};

/** Accounts, newest first. */
export function listUsers(
  db: Database,
  filter: {
    text: string | null;
    role: UserRow['role'] | null;
    isSuspended: boolean | null;
    beforeId: string | null;
    limit: number;
  },
): Promise<UserWithCount[]> {
  const { text, role, isSuspended, beforeId } = filter;
  const pattern = text === null ? null : `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
  return db
    .select(withProjectCount)
    .from(users)
    .leftJoin(subscriptions, eq(subscriptions.userId, users.id))
    .where(
      and(
        pattern === null ? undefined : or(ilike(users.email, pattern), ilike(users.name, pattern)),
        role === null ? undefined : eq(users.role, role),
        isSuspended === null ? undefined : (isSuspended ? isNotNull : isNull)(users.suspendedAt),
        beforeId === null ? undefined : lt(users.id, beforeId),
      ),
    )
    .orderBy(desc(users.id))
    .limit(filter.limit + 1);
}

/** @throws AppError `not_found` */
export async function findUser(db: Database, userId: string): Promise<UserWithCount> {
  const [row] = isId(userId)
    ? await db
        .select(withProjectCount)
        .from(users)
        .leftJoin(subscriptions, eq(subscriptions.userId, users.id))
        .where(eq(users.id, userId))
    : [];
  return row ?? throwNotFound();
}

/** @throws AppError `not_found` */
export async function lockUser(db: Database, userId: string): Promise<UserRow> {
  const [row] = isId(userId)
    ? await db.select(columns).from(users).where(eq(users.id, userId)).for('no key update')
    : [];
  return row ?? throwNotFound();
}

/** @param email in its stored form */
export async function lockUserByEmailOrNull(db: Database, email: string): Promise<UserRow | null> {
  const [row] = await db.select(columns).from(users).where(eq(users.email, email)).for('no key update');
  return row ?? null;
}

export async function updateUserRow(
  db: Database,
  userId: string,
  changes: Partial<Pick<UserRow, 'role' | 'suspendedAt'>>,
): Promise<void> {
  await db.update(users).set(changes).where(eq(users.id, userId));
}

/** Whether an account has a subscription that it pays elsewhere, and that has not ended. */
export async function isPaidBySubscription(db: Database, userId: string): Promise<boolean> {
  const isLiving = and(
    eq(subscriptions.userId, userId),
    isNotNull(subscriptions.stripeSubscriptionId),
    ne(subscriptions.status, 'cancelled'),
  );
  return (await db.$count(subscriptions, isLiving)) > 0;
}

function throwNotFound(): never {
  throw new AppError('not_found', 'There is no such account.');
}
