import { type SQL, eq, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { processes } from '#db/schema/processes.js';
import type { Database } from '../database.js';

/**
 * Writes that a process is alive for `leaseSeconds` more. A beat that comes later than `gapSeconds` after the one before
 * begins a new steady time. @returns the time of the database
 */
export async function upsertProcess(
  db: Database,
  process: { id: string; role: string; host: string; version: string; steadySince?: Date },
  { leaseSeconds, gapSeconds }: { leaseSeconds: number; gapSeconds: number },
): Promise<Date> {
  const aliveUntil = sql`now() + make_interval(secs => ${leaseSeconds})`;
  const isLate = sql`${processes.aliveUntil} < now() + make_interval(secs => ${leaseSeconds - gapSeconds})`;
  const steadySince = sql`case when ${isLate} then now() else ${processes.steadySince} end`;
  const [row] = await db
    .insert(processes)
    .values({ ...process, aliveUntil })
    .onConflictDoUpdate({ target: processes.id, set: { aliveUntil, steadySince } })
    .returning({ now: sql`now()`.mapWith(processes.createdAt) });
  if (row === undefined) throw new Error('upsert returned no row');
  return row.now;
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
 * Whether the process that a column names has died; not so where it names none. Only a process that has itself been
 * heard without a gap for a whole lease can tell: after a time without the database all seem dead.
 */
export function isHeldByDeadProcess(column: PgColumn, ownProcessId: string): SQL<boolean> {
  return sql<boolean>`(${column} is not null
    and not exists (select 1 from processes held where held.id = ${column} and held.alive_until > now())
    and exists (select 1 from processes own where own.id = ${ownProcessId} and own.alive_until > now()
      and own.steady_since < now() - interval '15 seconds'))`;
}
