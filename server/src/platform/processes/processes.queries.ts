import { type SQL, and, eq, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { processes } from '#db/schema/processes.js';
import type { Database } from '../database.js';

/** Writes that a process is alive for `seconds` more, by the clock of the database. */
export async function upsertProcess(
  db: Database,
  process: { id: string; role: string; host: string; version: string },
  seconds: number,
): Promise<void> {
  const aliveUntil = sql`now() + make_interval(secs => ${seconds})`;
  const steadySince = sql`case when ${processes.aliveUntil} < now() then now() else ${processes.steadySince} end`;
  await db
    .insert(processes)
    .values({ ...process, aliveUntil })
    .onConflictDoUpdate({ target: processes.id, set: { aliveUntil, steadySince } });
}

export async function deleteProcess(db: Database, processId: string): Promise<void> {
  await db.delete(processes).where(eq(processes.id, processId));
}

export async function deleteAllProcesses(db: Database): Promise<void> {
  await db.delete(processes);
}

/** Forgets processes that have been silent for an hour. @returns how many */
export async function deleteSilentProcesses(db: Database): Promise<number> {
  const rows = await db
    .delete(processes)
    .where(sql`${processes.aliveUntil} < now() - interval '1 hour'`)
    .returning({ id: processes.id });
  return rows.length;
}

/**
 * Whether a process has been heard without a gap for a whole lease. If not, it was the database that could not be
 * reached, perhaps, and silence says nothing of the others.
 */
export async function isSteady(db: Database, processId: string, seconds: number): Promise<boolean> {
  const rows = await db
    .select({ id: processes.id })
    .from(processes)
    .where(
      and(
        eq(processes.id, processId),
        sql`${processes.aliveUntil} > now()`,
        sql`${processes.steadySince} < now() - make_interval(secs => ${seconds})`,
      ),
    );
  return rows.length > 0;
}

/** Whether the process that a column names has died; not so where it names none. */
export function isHeldByDeadProcess(column: PgColumn): SQL<boolean> {
  return sql<boolean>`(${column} is not null and not exists (
    select 1 from processes alive where alive.id = ${column} and alive.alive_until > now()))`;
}
