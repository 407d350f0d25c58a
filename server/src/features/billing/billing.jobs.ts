import { z } from 'zod';
import { defineJob } from '#platform/jobs/define-job.js';

/** Asks the provider how an account's subscription is, where events do not tell. */
export const syncSubscriptionJob = defineJob({
  type: 'sync-subscription',
  payload: z.object({ userId: z.uuid() }),
  priority: 20,
  maxAttempts: 8,
  timeoutMs: 120_000,
  backoffMs: 5_000,
  isForgotten: true,
});

export function syncDedupeKey(userId: string): string {
  return `${syncSubscriptionJob.type}:${userId}`;
}
