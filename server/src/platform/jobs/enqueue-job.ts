import { newId } from '#kernel/ids.js';
import type { Context } from '../context.js';
import { traceHeaders } from '../tracing.js';
import type { JobDefinition } from './define-job.js';
import { insertJob, requestRerun } from './jobs.queries.js';

/**
 * Writes a job in the caller's transaction and rings for it after commit.
 * With a `dedupeKey` that a queued job already has nothing is written; a running one is queued again when it ends.
 * @returns the new job's id, or null where one was already under way
 */
export async function enqueueJob<Payload>(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob'>,
  definition: JobDefinition<Payload>,
  job: {
    projectId: string | null;
    payload: Payload;
    dedupeKey?: string;
    /** Unset: the definition's. */
    priority?: number;
    /** Unset: at once. */
    runAt?: Date;
  },
): Promise<string | null> {
  const { dedupeKey = null, priority = definition.priority } = job;
  const now = ctx.clock.now();
  const row = {
    id: newId(),
    projectId: job.projectId,
    type: definition.type,
    payload: definition.payload.parse(job.payload),
    priority,
    maxAttempts: definition.maxAttempts,
    runAt: job.runAt ?? now,
    dedupeKey,
    traceparent: traceHeaders().traceparent ?? null,
  };
  let jobId = await insertJob(ctx.db, row);
  if (jobId === null && dedupeKey !== null && !(await requestRerun(ctx.db, dedupeKey, now))) {
    // Queued, or ended between the two statements: then there is room for it now.
    jobId = await insertJob(ctx.db, row);
  }
  if (jobId !== null) {
    const ring = { id: jobId, priority, runAt: row.runAt };
    ctx.afterCommit(() => ctx.dispatchJob(ring));
  }
  return jobId;
}
