import { z } from 'zod';
import { defineJob } from '#platform/jobs/define-job.js';

export const ingestSourceJob = defineJob({
  type: 'ingest-source',
  payload: z.object({ projectId: z.uuid(), sourceId: z.uuid() }),
  priority: 10,
  maxAttempts: 6,
  timeoutMs: 30 * 60_000,
  backoffMs: 4_000,
});

export type IngestSourcePayload = z.infer<typeof ingestSourceJob.payload>;

/** One job per source at a time. */
export function ingestDedupeKey(sourceId: string): string {
  return `${ingestSourceJob.type}:${sourceId}`;
}
