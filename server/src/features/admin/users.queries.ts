import { and, desc, eq, getTableColumns, ilike, isNotNull, isNull, lt, or, sql } from 'drizzle-orm';
import { users } from '#db/schema/users.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';

export type UserRow = Omit<typeof users.$inferSelect, 'passwordHash'>;
export type UserWithCount = UserRow & { projectCount: number };

const { passwordHash: _passwordHash, ...columns } = getTableColumns(users);
const withProjectCount = {
  ...columns,
  // Written out: in a query of one table Drizzle names columns without their table.
  projectCount: sql<number>`(select count(*)::int from projects owned where owned.owner_id = users.id)`,
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
  const [row] = isId(userId) ? await db.select(withProjectCount).from(users).where(eq(users.id, userId)) : [];
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

/** Ids of those who are admins and not suspended, locked: changes to who is one happen one after the other. */
export async function lockActiveAdminIds(db: Database): Promise<string[]> {
  const rows = await db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.role, 'admin'), isNull(users.suspendedAt)))
    .orderBy(users.id)
    .for('no key update');
  return rows.map(({ id }) => id);
}

export async function updateUserRow(
  db: Database,
  userId: string,
  changes: Partial<Pick<UserRow, 'plan' | 'role' | 'suspendedAt'>>,
): Promise<void> {
  await db.update(users).set(changes).where(eq(users.id, userId));
}

function throwNotFound(): never {
  throw new AppError('not_found', 'There is no such account.');
}
