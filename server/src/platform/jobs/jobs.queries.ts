import { type SQL, and, asc, eq, inArray, isNull, lt, lte, notInArray, or, sql } from 'drizzle-orm';
import { jobs } from '#db/schema/jobs.js';
import type { Database } from '../database.js';
import { BACKGROUND_PRIORITY } from './background-priority.js';
import { CANCELLED, type JobFailure, type JobProgress } from './define-job.js';

export type JobRow = typeof jobs.$inferSelect;

/** Which attempt of which job, held by whom: every write of a running job is fenced by it. */
export interface Lease {
  jobId: string;
  workerId: string;
  attempt: number;
}

export async function insertJob(
  db: Database,
  job: Pick<
    typeof jobs.$inferInsert,
    | 'id'
    | 'projectId'
    | 'type'
    | 'payload'
    | 'priority'
    | 'maxAttempts'
    | 'runAt'
    | 'dedupeKey'
    | 'traceparent'
  >,
): Promise<string | null> {
  const [row] = await db.insert(jobs).values(job).onConflictDoNothing().returning({ id: jobs.id });
  return row?.id ?? null;
}

/** Which jobs that can wait are passed over, because the worker leaves its places to others. */
export interface ClaimLimits {
  isBackgroundAllowed: boolean;
  /** Projects that have their share of such jobs in hand. */
  fullProjectIds: string[];
}

/** Takes the next job that is due, or a certain one if it is, passing over rows that another worker is taking. */
export async function claimJob(
  db: Database,
  claim: {
    workerId: string;
    types: string[];
    jobId: string | null;
    now: Date;
    leaseUntil: Date;
    limits: ClaimLimits;
  },
): Promise<JobRow | null> {
  const next = db
    .select({ id: jobs.id })
    .from(jobs)
    .where(
      and(
        eq(jobs.status, 'queued'),
        lte(jobs.runAt, claim.now),
        inArray(jobs.type, claim.types),
        claim.jobId === null ? undefined : eq(jobs.id, claim.jobId),
        isWithin(claim.limits),
      ),
    )
    .orderBy(asc(jobs.priority), asc(jobs.runAt), asc(jobs.id))
    .limit(1)
    .for('update', { skipLocked: true });
  const [row] = await db
    .update(jobs)
    .set({
      status: 'running',
      attempts: sql`${jobs.attempts} + 1`,
      lockedBy: claim.workerId,
      lockedUntil: claim.leaseUntil,
    })
    .where(eq(jobs.id, sql`(${next})`))
    .returning();
  return row ?? null;
}

function isWithin({ isBackgroundAllowed, fullProjectIds }: ClaimLimits): SQL | undefined {
  const isUrgent = lt(jobs.priority, BACKGROUND_PRIORITY);
  if (!isBackgroundAllowed) return isUrgent;
  if (fullProjectIds.length === 0) return undefined;
  return or(isUrgent, isNull(jobs.projectId), notInArray(jobs.projectId, fullProjectIds));
}

/** @returns `held`, `cancel` when somebody asked for it, or `lost` */
export async function extendLease(
  db: Database,
  lease: Lease,
  leaseUntil: Date,
): Promise<'held' | 'cancel' | 'lost'> {
  const [row] = await db
    .update(jobs)
    .set({ lockedUntil: leaseUntil })
    .where(isHeld(lease))
    .returning({ cancelRequestedAt: jobs.cancelRequestedAt });
  if (row === undefined) return 'lost';
  return row.cancelRequestedAt === null ? 'held' : 'cancel';
}

export async function lockHeldJob(db: Database, lease: Lease): Promise<boolean> {
  const rows = await db
    .select({ cancelRequestedAt: jobs.cancelRequestedAt })
    .from(jobs)
    .where(isHeld(lease))
    .for('update');
  return rows[0]?.cancelRequestedAt === null;
}

export async function updateJobProgress(db: Database, lease: Lease, progress: JobProgress): Promise<void> {
  await db.update(jobs).set({ progress }).where(isHeld(lease));
}

export async function finishJob(
  db: Database,
  lease: Lease,
  end: { status: 'succeeded' | 'failed' | 'cancelled'; failure: JobFailure | null; now: Date },
): Promise<boolean> {
  const isWantedAgain = sql`(${jobs.rerunRequestedAt} is not null and ${end.status !== 'cancelled'})`;
  const rows = await db
    .update(jobs)
    .set({
      status: sql`case when ${isWantedAgain} then 'queued' else ${end.status} end::job_status`,
      attempts: sql`case when ${isWantedAgain} then 0 else ${jobs.attempts} end`,
      runAt: sql`case when ${isWantedAgain} then ${end.now}::timestamptz else ${jobs.runAt} end`,
      finishedAt: sql`case when ${isWantedAgain} then null else ${end.now}::timestamptz end`,
      rerunRequestedAt: null,
      rungAt: null,
      error: end.failure,
      lockedBy: null,
      lockedUntil: null,
    })
    .where(isHeld(lease))
    .returning({ id: jobs.id });
  return rows.length > 0;
}

/**
 * Takes the row of a job that has succeeded, unless it is wanted again or asked to stop.
 * @returns whether it did; if not, the job ends like any other
 */
export async function forgetJob(db: Database, lease: Lease): Promise<boolean> {
  const rows = await db
    .delete(jobs)
    .where(and(isHeld(lease), isNull(jobs.rerunRequestedAt), isNull(jobs.cancelRequestedAt)))
    .returning({ id: jobs.id });
  return rows.length > 0;
}

/** Notes on the running job with this key that it is wanted once more. @returns whether there is one */
export async function requestRerun(db: Database, dedupeKey: string, now: Date): Promise<boolean> {
  const rows = await db
    .update(jobs)
    .set({ rerunRequestedAt: now })
    .where(and(eq(jobs.dedupeKey, dedupeKey), eq(jobs.status, 'running')))
    .returning({ id: jobs.id });
  return rows.length > 0;
}

/**
 * Puts a job back: after a failure for its next attempt, or at once and uncounted when its worker stops.
 * @returns whether it was still held
 */
export async function requeueJob(
  db: Database,
  lease: Lease,
  retry: { runAt: Date; failure: JobFailure | null; isCounted: boolean },
): Promise<boolean> {
  const rows = await db
    .update(jobs)
    .set({
      status: 'queued',
      runAt: retry.runAt,
      error: retry.failure,
      rungAt: null,
      lockedBy: null,
      lockedUntil: null,
      attempts: retry.isCounted ? sql`${jobs.attempts}` : sql`${jobs.attempts} - 1`,
    })
    .where(isHeld(lease))
    .returning({ id: jobs.id });
  return rows.length > 0;
}

/** Lets every lease run out: the processes that held them are gone. */
export async function expireLeases(db: Database, now: Date): Promise<void> {
  await db
    .update(jobs)
    .set({ lockedUntil: new Date(now.getTime() - 1) })
    .where(eq(jobs.status, 'running'));
}

/** Takes over a job whose lease has run out, so that a late heartbeat of its old worker is refused. */
export async function takeExpiredJob(
  db: Database,
  claim: { workerId: string; types: string[]; now: Date; leaseUntil: Date },
): Promise<JobRow | null> {
  const expired = db
    .select({ id: jobs.id })
    .from(jobs)
    .where(and(eq(jobs.status, 'running'), lt(jobs.lockedUntil, claim.now), inArray(jobs.type, claim.types)))
    .limit(1)
    .for('update', { skipLocked: true });
  const [row] = await db
    .update(jobs)
    .set({ lockedBy: claim.workerId, lockedUntil: claim.leaseUntil })
    .where(eq(jobs.id, sql`(${expired})`))
    .returning();
  return row ?? null;
}

/** Which jobs: those of one key, or of all keys that begin alike. */
export type JobKeys = { dedupeKey: string } | { dedupeKeyPrefix: string };

/** Queued jobs with these keys end at once; running ones are asked to stop. */
export async function cancelJobs(db: Database, keys: JobKeys, now: Date): Promise<void> {
  await db
    .update(jobs)
    .set({ cancelRequestedAt: now })
    .where(and(hasKey(keys), eq(jobs.status, 'running')));
  await db
    .update(jobs)
    .set({ status: 'cancelled', error: CANCELLED, finishedAt: now })
    .where(and(hasKey(keys), eq(jobs.status, 'queued')));
}

function hasKey(keys: JobKeys): SQL | undefined {
  return 'dedupeKey' in keys
    ? eq(jobs.dedupeKey, keys.dedupeKey)
    : sql`starts_with(${jobs.dedupeKey}, ${keys.dedupeKeyPrefix})`;
}

/** Ended jobs have told their story to whoever asked. @returns how many were deleted */
export async function deleteEndedJobs(db: Database, endedBefore: Date, limit: number): Promise<number> {
  const ended = db
    .select({ id: jobs.id })
    .from(jobs)
    .where(and(inArray(jobs.status, ['succeeded', 'failed', 'cancelled']), lt(jobs.finishedAt, endedBefore)))
    .limit(limit);
  const rows = await db.delete(jobs).where(inArray(jobs.id, ended)).returning({ id: jobs.id });
  return rows.length;
}

/** Seconds that the longest-waiting due job of each type has waited. */
export function listJobAges(db: Database, now: Date): Promise<{ type: string; seconds: number }[]> {
  return db
    .select({
      type: jobs.type,
      seconds: sql<number>`extract(epoch from ${now}::timestamptz - min(${jobs.runAt}))::float8`,
    })
    .from(jobs)
    .where(and(eq(jobs.status, 'queued'), lte(jobs.runAt, now)))
    .groupBy(jobs.type);
}

export function countJobs(
  db: Database,
): Promise<{ type: string; status: JobRow['status']; count: number }[]> {
  return db
    .select({ type: jobs.type, status: jobs.status, count: sql<number>`count(*)::int` })
    .from(jobs)
    .groupBy(jobs.type, jobs.status);
}

function isHeld(lease: Lease) {
  return and(
    eq(jobs.id, lease.jobId),
    eq(jobs.status, 'running'),
    eq(jobs.lockedBy, lease.workerId),
    eq(jobs.attempts, lease.attempt),
  );
}
