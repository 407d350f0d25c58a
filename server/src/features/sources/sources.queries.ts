import { and, asc, desc, eq, inArray, lt, lte, notExists, sql } from 'drizzle-orm';
import { jobs } from '#db/schema/jobs.js';
import { type SourceProgress, sources } from '#db/schema/sources.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

export type SourceRow = typeof sources.$inferSelect;

export async function insertSource(db: Database, source: typeof sources.$inferInsert): Promise<SourceRow> {
  const [row] = await db.insert(sources).values(source).returning();
  if (row === undefined) throw new Error('insert returned no row');
  return row;
}

/** @throws AppError `not_found` */
export async function findSource(db: Database, scope: ProjectScope, sourceId: string): Promise<SourceRow> {
  const [row] = isId(sourceId) ? await db.select().from(sources).where(isSource(scope, sourceId)) : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such source.');
  return row;
}

/** Locks the row as well: a run of the source begins and ends under that lock. @throws AppError `not_found` */
export async function lockSource(db: Database, scope: ProjectScope, sourceId: string): Promise<SourceRow> {
  const [row] = isId(sourceId)
    ? await db.select().from(sources).where(isSource(scope, sourceId)).for('no key update')
    : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such source.');
  return row;
}

/** Another run begins when the one under way has ended. */
export async function markSyncWanted(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
): Promise<SourceRow> {
  const [row] = await db
    .update(sources)
    .set({ isSyncWanted: true })
    .where(isSource(scope, sourceId))
    .returning();
  if (row === undefined) throw new AppError('not_found', 'There is no such source.');
  return row;
}

export function listSources(
  db: Database,
  scope: ProjectScope,
  filter: { status: SourceRow['status'] | null; beforeId: string | null; limit: number },
): Promise<SourceRow[]> {
  return db
    .select()
    .from(sources)
    .where(
      and(
        eq(sources.projectId, scope.projectId),
        filter.status === null ? undefined : eq(sources.status, filter.status),
        filter.beforeId === null ? undefined : lt(sources.id, filter.beforeId),
      ),
    )
    .orderBy(desc(sources.id))
    .limit(filter.limit + 1);
}

export async function updateSourceRow(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
  changes: Partial<Pick<SourceRow, 'name' | 'metadata' | 'syncEvery' | 'nextSyncAt' | 'origin'>>,
): Promise<SourceRow> {
  const [row] = await db.update(sources).set(changes).where(isSource(scope, sourceId)).returning();
  if (row === undefined) throw new AppError('not_found', 'There is no such source.');
  return row;
}

export async function markSourceQueued(
  db: Database,
  scope: ProjectScope,
  sourceId: string,
  progress: SourceProgress,
): Promise<SourceRow> {
  const [row] = await db
    .update(sources)
    .set({ status: 'queued', progress, error: null })
    .where(isSource(scope, sourceId))
    .returning();
  if (row === undefined) throw new AppError('not_found', 'There is no such source.');
  return row;
}

/** Deletes a source with its documents, and lets searches know. @returns whether there was one */
export async function deleteSourceRow(db: Database, scope: ProjectScope, sourceId: string): Promise<boolean> {
  const rows = await db.delete(sources).where(isSource(scope, sourceId)).returning({ id: sources.id });
  if (rows.length === 0) return false;
  await db.execute(sql`update projects set index_version = index_version + 1 where id = ${scope.projectId}`);
  return true;
}

/** Sources of any project, for those who have shown that they may follow them. */
export function listWatchedSources(db: Database, sourceIds: string[]): Promise<SourceRow[]> {
  return db.select().from(sources).where(inArray(sources.id, sourceIds));
}

/** Sources of every project that wait for a job which is not there. */
export async function listStuckSources(
  db: Database,
  stuck: { untouchedSince: Date; limit: number },
): Promise<{ projectId: string; sourceId: string }[]> {
  // Of the source itself, or of one of its pages.
  const job = db
    .select({ id: jobs.id })
    .from(jobs)
    .where(
      and(
        eq(jobs.projectId, sources.projectId),
        inArray(jobs.status, ['queued', 'running']),
        sql`${jobs.payload}->>'sourceId' = ${sources.id}::text`,
      ),
    );
  return db
    .select({ projectId: sources.projectId, sourceId: sources.id })
    .from(sources)
    .where(
      and(
        inArray(sources.status, ['queued', 'processing']),
        lt(sources.updatedAt, stuck.untouchedSince),
        notExists(job),
      ),
    )
    .limit(stuck.limit);
}

/** Sources of every project whose time to be read again has come and that are not being read. */
export async function listSourcesToSync(
  db: Database,
  due: { now: Date; limit: number },
): Promise<{ projectId: string; sourceId: string }[]> {
  return db
    .select({ projectId: sources.projectId, sourceId: sources.id })
    .from(sources)
    .where(and(lte(sources.nextSyncAt, due.now), inArray(sources.status, ['ready', 'failed', 'cancelled'])))
    .orderBy(asc(sources.nextSyncAt))
    .limit(due.limit);
}

/** Which of these sources have a row, across projects: for upkeep, never for a caller. */
export function listExistingSources(
  db: Database,
  sourceIds: string[],
): Promise<{ projectId: string; sourceId: string }[]> {
  return db
    .select({ projectId: sources.projectId, sourceId: sources.id })
    .from(sources)
    .where(inArray(sources.id, sourceIds));
}

function isSource(scope: ProjectScope, sourceId: string) {
  return and(eq(sources.projectId, scope.projectId), eq(sources.id, sourceId));
}
