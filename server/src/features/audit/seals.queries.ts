import { and, asc, desc, eq, gt, gte, lt, sql } from 'drizzle-orm';
import { auditLogs, auditSeals } from '#db/schema/audit-logs.js';
import type { Database } from '#platform/database.js';

export type SealRow = typeof auditSeals.$inferSelect;

/** An entry as it is sealed, with its times as PostgreSQL has them: to the microsecond. */
export interface SealedEntry {
  id: string;
  projectId: string | null;
  actorId: string | null;
  actorType: string;
  apiKeyId: string | null;
  action: string;
  outcome: string;
  resourceType: string;
  resourceId: string | null;
  changes: unknown;
  ip: string | null;
  userAgent: string | null;
  requestId: string | null;
  createdAt: string;
  updatedAt: string;
}

export interface Period {
  start: Date;
  end: Date;
}

const ENTRIES_PER_PAGE = 1_000;
/** No transaction of ours lasts as long: each of its statements has a minute, each pause ten seconds. */
const LONGEST_TRANSACTION = sql`interval '2 hours'`;

export async function insertSeal(
  db: Database,
  seal: typeof auditSeals.$inferInsert,
): Promise<SealRow | null> {
  const [row] = await db.insert(auditSeals).values(seal).onConflictDoNothing().returning();
  return row ?? null;
}

export async function findLastSealOrNull(db: Database): Promise<SealRow | null> {
  const [row] = await db.select().from(auditSeals).orderBy(desc(auditSeals.number)).limit(1);
  return row ?? null;
}

/** Seals in the order of their numbers, after one of them. */
export async function listSeals(
  db: Database,
  page: { afterNumber: number; limit: number },
): Promise<SealRow[]> {
  const { afterNumber, limit } = page;
  return db
    .select()
    .from(auditSeals)
    .where(gt(auditSeals.number, afterNumber))
    .orderBy(asc(auditSeals.number))
    .limit(limit);
}

/** When the oldest entry was made; null: there is none. */
export async function findOldestEntryTimeOrNull(db: Database): Promise<Date | null> {
  const [row] = await db
    .select({ createdAt: auditLogs.createdAt })
    .from(auditLogs)
    .orderBy(asc(auditLogs.createdAt))
    .limit(1);
  return row?.createdAt ?? null;
}

/** Whether a transaction that began before `time` may still write: its entries have the time of its beginning. */
export async function hasTransactionFromBefore(db: Database, time: Date): Promise<boolean> {
  const { rows } = await db.execute(sql`
    select 1 from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
      and xact_start < ${time} and xact_start > now() - ${LONGEST_TRANSACTION} limit 1`);
  return rows.length > 0;
}

/** The entries of a period in the order of their ids, page by page. */
export async function* readEntries(db: Database, { start, end }: Period): AsyncGenerator<SealedEntry[]> {
  let afterId: string | null = null;
  for (;;) {
    const rows: SealedEntry[] = await db
      .select({
        id: auditLogs.id,
        projectId: auditLogs.projectId,
        actorId: auditLogs.actorId,
        actorType: auditLogs.actorType,
        apiKeyId: auditLogs.apiKeyId,
        action: auditLogs.action,
        outcome: auditLogs.outcome,
        resourceType: auditLogs.resourceType,
        resourceId: auditLogs.resourceId,
        changes: auditLogs.changes,
        ip: auditLogs.ip,
        userAgent: auditLogs.userAgent,
        requestId: auditLogs.requestId,
        createdAt: exactTime(auditLogs.createdAt),
        updatedAt: exactTime(auditLogs.updatedAt),
      })
      .from(auditLogs)
      .where(
        and(
          gte(auditLogs.createdAt, start),
          lt(auditLogs.createdAt, end),
          afterId === null ? undefined : gt(auditLogs.id, afterId),
        ),
      )
      .orderBy(asc(auditLogs.id))
      .limit(ENTRIES_PER_PAGE);
    if (rows.length > 0) yield rows;
    if (rows.length < ENTRIES_PER_PAGE) return;
    afterId = rows.at(-1)?.id ?? null;
  }
}

/** To the microsecond: `Date` would round it. */
function exactTime(column: typeof auditLogs.createdAt | typeof auditLogs.updatedAt) {
  return sql<string>`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
}

export async function countEntries(db: Database, period: Partial<Period>): Promise<number> {
  const { start, end } = period;
  return db.$count(
    auditLogs,
    and(
      start === undefined ? undefined : gte(auditLogs.createdAt, start),
      end === undefined ? undefined : lt(auditLogs.createdAt, end),
    ),
  );
}

/** What the log says of itself, the oldest first. */
export async function listSystemEntries(
  db: Database,
  action: 'audit.seal' | 'audit.retention',
): Promise<Pick<typeof auditLogs.$inferSelect, 'changes' | 'createdAt'>[]> {
  return db
    .select({ changes: auditLogs.changes, createdAt: auditLogs.createdAt })
    .from(auditLogs)
    .where(and(eq(auditLogs.action, action), eq(auditLogs.actorType, 'system')))
    .orderBy(asc(auditLogs.id));
}

/** The one way in which entries go: the triggers let them, for this transaction. @returns how many */
export async function deleteEntries(tx: Database, { start, end }: Period): Promise<number> {
  await tx.execute(sql`select set_config('botbase.audit_retention', 'on', true)`);
  const result = await tx
    .delete(auditLogs)
    .where(and(gte(auditLogs.createdAt, start), lt(auditLogs.createdAt, end)));
  return result.rowCount ?? 0;
}
