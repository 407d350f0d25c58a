import { newId } from '#kernel/ids.js';
import type { Context } from '../context.js';
import type { JobDefinition } from './define-job.js';
import { insertJob } from './jobs.queries.js';

/**
 * Writes a job in the caller's transaction and rings for it after commit.
 * With a `dedupeKey` that a queued or running job already has, nothing is written.
 * @returns the new job's id, or null where one was already under way
 */
export async function enqueueJob<Payload>(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob'>,
  definition: JobDefinition<Payload>,
  job: { projectId: string | null; payload: Payload; dedupeKey?: string },
): Promise<string | null> {
  const jobId = await insertJob(ctx.db, {
    id: newId(),
    projectId: job.projectId,
    type: definition.type,
    payload: definition.payload.parse(job.payload),
    priority: definition.priority,
    maxAttempts: definition.maxAttempts,
    runAt: ctx.clock.now(),
    dedupeKey: job.dedupeKey ?? null,
  });
  ctx.afterCommit(ctx.dispatchJob);
  return jobId;
}
