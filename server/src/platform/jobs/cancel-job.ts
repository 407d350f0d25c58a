import type { Context } from '../context.js';
import { type JobKeys, cancelJobs } from './jobs.queries.js';

/** Ends the queued jobs with these keys; running ones notice at their next heartbeat, within two seconds. */
export async function cancelJob(tx: Pick<Context, 'db' | 'clock'>, keys: JobKeys): Promise<void> {
  await cancelJobs(tx.db, keys, tx.clock.now());
}
