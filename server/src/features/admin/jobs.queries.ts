import { and, desc, eq, getTableColumns, lt } from 'drizzle-orm';
import { jobs } from '#db/schema/jobs.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';

export type ShownJob = Omit<typeof jobs.$inferSelect, 'payload'>;

const { payload: _payload, ...columns } = getTableColumns(jobs);

/** Jobs, newest first. */
export function listJobs(
  db: Database,
  filter: {
    status: ShownJob['status'] | null;
    type: string | null;
    projectId: string | null;
    beforeId: string | null;
    limit: number;
  },
): Promise<ShownJob[]> {
  const { status, type, projectId, beforeId } = filter;
  return db
    .select(columns)
    .from(jobs)
    .where(
      and(
        status === null ? undefined : eq(jobs.status, status),
        type === null ? undefined : eq(jobs.type, type),
        projectId === null ? undefined : eq(jobs.projectId, projectId),
        beforeId === null ? undefined : lt(jobs.id, beforeId),
      ),
    )
    .orderBy(desc(jobs.id))
    .limit(filter.limit + 1);
}

/** @throws AppError `not_found` */
export async function findJob(db: Database, jobId: string): Promise<ShownJob> {
  const [row] = isId(jobId) ? await db.select(columns).from(jobs).where(eq(jobs.id, jobId)) : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such job.');
  return row;
}
