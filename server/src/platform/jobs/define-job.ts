import type { z } from 'zod';
import type { Context } from '../context.js';

/** One place for what a kind of job is: its name, its payload's schema and its retry policy. */
export interface JobDefinition<Payload> {
  type: string;
  payload: z.ZodType<Payload>;
  /** Lower runs first. */
  priority: number;
  maxAttempts: number;
  /** One attempt is aborted after this long, and counts as failed. */
  timeoutMs: number;
  /** Before the second attempt; doubles from then on, with full jitter. */
  backoffMs: number;
  /** One of very many, whose story is told elsewhere: its row goes when it has succeeded. */
  isForgotten?: boolean;
}

export interface JobProgress {
  stage: string;
  done: number;
  total: number;
}

export interface JobFailure {
  code: string;
  message: string;
}

/** The reason of a job that somebody cancelled. */
export const CANCELLED: JobFailure = { code: 'cancelled', message: 'It was cancelled.' };

/** The attempt that a handler runs in. */
export interface RunningJob {
  id: string;
  projectId: string | null;
  attempt: number;
  reportProgress(tx: Pick<Context, 'db'>, progress: JobProgress): Promise<void>;
  /**
   * Locks the job's row in the transaction `tx`, so that the transaction commits only while this attempt still
   * holds the lease.
   * @throws LeaseLostError when another attempt has taken over or the job was cancelled or deleted
   */
  fence(tx: Pick<Context, 'db'>): Promise<void>;
}

export interface JobHandler<Payload> {
  /** Runs at least once, so it is idempotent. */
  run(ctx: Context, job: RunningJob, payload: Payload, signal: AbortSignal): Promise<void>;
  /** Runs in the transaction that ends the job as failed, or as cancelled after it had begun. */
  ended(
    tx: Context,
    payload: Payload,
    end: { status: 'failed' | 'cancelled'; failure: JobFailure },
  ): Promise<void>;
  /**
   * Takes back what `ended` wrote, in the transaction that queues the ended job once more. Kinds of jobs without it are
   * not run again: by themselves they would do nothing.
   * @throws AppError `conflict` where there is nothing left to do, or somebody else is doing it
   */
  retried?(tx: Context, payload: Payload): Promise<void>;
}

export type HandlersFor<Catalog> = {
  [Type in keyof Catalog]: Catalog[Type] extends JobDefinition<infer Payload> ? JobHandler<Payload> : never;
};

/** Thrown by a handler whose time has not come: the job runs again at `until`, and this attempt does not count. */
export class JobPostponed extends Error {
  readonly until: Date;

  constructor(until: Date) {
    super(`postponed until ${until.toISOString()}`);
    this.name = 'JobPostponed';
    this.until = until;
  }
}

export class LeaseLostError extends Error {
  constructor() {
    super('the job is no longer held by this attempt');
    this.name = 'LeaseLostError';
  }
}

export function defineJob<Payload>(definition: JobDefinition<Payload>): JobDefinition<Payload> {
  return definition;
}
