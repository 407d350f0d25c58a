import type { Context } from '../context.js';
import { cancelJobs } from './jobs.queries.js';

/** Ends the queued job with this key; a running one notices at its next heartbeat, within two seconds. */
export async function cancelJob(tx: Pick<Context, 'db' | 'clock'>, dedupeKey: string): Promise<void> {
  await cancelJobs(tx.db, dedupeKey, tx.clock.now());
}
