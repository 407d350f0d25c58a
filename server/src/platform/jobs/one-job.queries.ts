import { eq } from 'drizzle-orm';
import { jobs } from '#db/schema/jobs.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '../database.js';
import type { JobRow } from './jobs.queries.js';

/** Locks a job of any state. @throws AppError `not_found` */
export async function lockJob(db: Database, jobId: string): Promise<JobRow> {
  const [row] = isId(jobId) ? await db.select().from(jobs).where(eq(jobs.id, jobId)).for('update') : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such job.');
  return row;
}

/** Writes to a job that `lockJob` has locked. */
export async function updateLockedJob(
  db: Database,
  jobId: string,
  changes: Partial<typeof jobs.$inferInsert>,
): Promise<JobRow> {
  const [row] = await db.update(jobs).set(changes).where(eq(jobs.id, jobId)).returning();
  if (row === undefined) throw new Error('a locked job is gone');
  return row;
}
