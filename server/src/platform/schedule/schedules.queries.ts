import { and, eq, inArray, sql } from 'drizzle-orm';
import { schedules } from '#db/schema/schedules.js';
import type { Database } from '../database.js';

/** Schedules that are new are due at once, or after `firstAfterMs`. */
export async function insertMissingSchedules(
  db: Database,
  tasks: readonly { name: string; firstAfterMs?: number }[],
): Promise<void> {
  await db
    .insert(schedules)
    .values(
      tasks.map(({ name, firstAfterMs = 0 }) => ({
        name,
        nextRunAt: sql`now() + make_interval(secs => ${firstAfterMs / 1000})`,
      })),
    )
    .onConflictDoNothing();
}

export async function listDueSchedules(db: Database, names: string[]): Promise<string[]> {
  const rows = await db
    .select({ name: schedules.name })
    .from(schedules)
    .where(and(inArray(schedules.name, names), sql`${schedules.nextRunAt} <= now()`));
  return rows.map(({ name }) => name);
}

/** Moves a due schedule on, by the clock of the database. @returns whether it was this caller who did */
export async function claimSchedule(db: Database, name: string, everyMs: number): Promise<boolean> {
  const rows = await db
    .update(schedules)
    .set({ nextRunAt: sql`now() + make_interval(secs => ${everyMs / 1000})` })
    .where(and(eq(schedules.name, name), sql`${schedules.nextRunAt} <= now()`))
    .returning({ name: schedules.name });
  return rows.length > 0;
}

/** Seconds since each of these should have begun, by the clock of the database; 0 while it is not due. */
export function listOverdueSchedules(
  db: Database,
  names: string[],
): Promise<{ name: string; seconds: number }[]> {
  return db
    .select({
      name: schedules.name,
      seconds: sql<number>`greatest(0, extract(epoch from now() - ${schedules.nextRunAt}))::float8`,
    })
    .from(schedules)
    .where(inArray(schedules.name, names));
}
