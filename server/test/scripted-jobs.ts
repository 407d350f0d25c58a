import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { jobs } from '#db/schema/jobs.js';
import type { Context } from '#platform/context.js';
import {
  type JobDefinition,
  type JobFailure,
  type RunningJob,
  defineJob,
} from '#platform/jobs/define-job.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import { type JobRegistry, registerJobs } from '#platform/jobs/job-registry.js';
import { runNextJob } from '#platform/jobs/run-job.js';

type Script = (attempt: { ctx: Context; job: RunningJob; signal: AbortSignal }) => Promise<unknown>;
type Ended = { name: string; status: 'failed' | 'cancelled'; failure: JobFailure };

const payload = z.strictObject({ name: z.string().min(1) });

export const scriptedJob = defineJob({
  type: 'scripted',
  payload,
  priority: 10,
  maxAttempts: 3,
  timeoutMs: 60_000,
  backoffMs: 1_000,
});

export interface ScriptedJobs {
  registry: JobRegistry;
  /** Names of the jobs in the order in which their attempts began. */
  started: string[];
  /** How `ended` was called. */
  ended: Ended[];
  /** Names of the jobs that were wanted once more. */
  retried: string[];
  /** From now on no job may be run once more. */
  refuseRetry: (error: Error) => void;
  /** What the attempts of the job with this name do; those without a script succeed. */
  script: (name: string, act: Script) => void;
  enqueue: (name: string, options?: { priority?: number; dedupeKey?: string }) => Promise<string>;
  /** One attempt of the next job that is due. */
  runNext: (workerId?: string, released?: AbortSignal) => Promise<boolean>;
  /** The job's row, as it is now. */
  find: (jobId: string) => Promise<typeof jobs.$inferSelect>;
}

/** A kind of job that does what a test tells it to, on an empty jobs table. */
export async function createScriptedJobs(ctx: Context): Promise<ScriptedJobs> {
  await ctx.db.execute(sql`delete from jobs`);
  const scripts = new Map<string, Script>();
  const started: string[] = [];
  const ended: Ended[] = [];
  const retried: string[] = [];
  let retryRefusal: Error | null = null;
  const registry = registerJobs(
    { scripted: scriptedJob },
    {
      scripted: {
        run: async (runContext, job, { name }, signal) => {
          started.push(name);
          await scripts.get(name)?.({ ctx: runContext, job, signal });
        },
        retried: async (_tx, { name }) => {
          if (retryRefusal !== null) throw retryRefusal;
          retried.push(name);
        },
        ended: async (_tx, { name }, end) => void ended.push({ name, ...end }),
      },
    },
  );
  return {
    registry,
    started,
    ended,
    retried,
    refuseRetry: (error) => void (retryRefusal = error),
    script: (name, act) => void scripts.set(name, act),
    enqueue: async (name, { priority = 10, dedupeKey } = {}) => {
      const definition: JobDefinition<z.infer<typeof payload>> = { ...scriptedJob, priority };
      const job = { projectId: null, payload: { name }, ...(dedupeKey === undefined ? {} : { dedupeKey }) };
      return (await enqueueJob(ctx, definition, job)) ?? 'already under way';
    },
    runNext: (workerId = 'worker', released = new AbortController().signal) =>
      runNextJob(ctx, registry, workerId, released),
    find: async (jobId) => {
      const [row] = await ctx.db.select().from(jobs).where(eq(jobs.id, jobId));
      if (row === undefined) throw new Error('there is no such job');
      return row;
    },
  };
}

/** Rejects when the attempt is told to stop, as a handler that listens to its signal would. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
