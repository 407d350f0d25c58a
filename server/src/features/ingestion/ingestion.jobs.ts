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

/** One page of a website. There are thousands of them, so they let everything else pass. */
export const ingestPageJob = defineJob({
  type: 'ingest-page',
  payload: z.object({ projectId: z.uuid(), sourceId: z.uuid(), pageId: z.uuid() }),
  priority: 20,
  maxAttempts: 3,
  timeoutMs: 10 * 60_000,
  backoffMs: 2_000,
  isForgotten: true,
});

export type IngestPagePayload = z.infer<typeof ingestPageJob.payload>;

/** One job per page at a time; the keys of a source's pages begin alike. */
export function pageDedupeKey(sourceId: string, pageId: string): string {
  return `${ingestPageJob.type}:${sourceId}:${pageId}`;
}

/** The vectors of a project, made anew by another model. It may take hours and holds nothing up. */
export const changeEmbeddingModelJob = defineJob({
  type: 'change-embedding-model',
  payload: z.object({ projectId: z.uuid() }),
  priority: 40,
  maxAttempts: 10,
  timeoutMs: 6 * 3_600_000,
  backoffMs: 15_000,
});

export type ChangeEmbeddingModelPayload = z.infer<typeof changeEmbeddingModelJob.payload>;
