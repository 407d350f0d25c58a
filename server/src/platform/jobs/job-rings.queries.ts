import { and, asc, eq, inArray, isNotNull, isNull, lt, lte, or } from 'drizzle-orm';
import { jobs } from '#db/schema/jobs.js';
import type { Database } from '../database.js';
import type { JobRing } from '../ports/job-bell.js';

/** Jobs that are due since a moment ago and were not rung for, or so long ago that the ring was lost. */
export function listUnrungJobs(
  db: Database,
  due: { dueBefore: Date; rungBefore: Date; limit: number },
): Promise<JobRing[]> {
  return db
    .select({ id: jobs.id, priority: jobs.priority, runAt: jobs.runAt })
    .from(jobs)
    .where(
      and(
        eq(jobs.status, 'queued'),
        lte(jobs.runAt, due.dueBefore),
        or(isNull(jobs.rungAt), lt(jobs.rungAt, due.rungBefore)),
      ),
    )
    .orderBy(asc(jobs.priority), asc(jobs.runAt))
    .limit(due.limit);
}

export async function markJobsRung(db: Database, jobIds: string[], now: Date): Promise<void> {
  await db
    .update(jobs)
    .set({ rungAt: now })
    .where(and(inArray(jobs.id, jobIds), eq(jobs.status, 'queued')));
}

/** Redis has forgotten: every queued job is to be rung for again. */
export async function forgetRings(db: Database): Promise<void> {
  await db
    .update(jobs)
    .set({ rungAt: null })
    .where(and(eq(jobs.status, 'queued'), isNotNull(jobs.rungAt)));
}
