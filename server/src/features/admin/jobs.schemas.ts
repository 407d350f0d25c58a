import { z } from 'zod';
import { idSchema, instantSchema, listQuery, text } from '#platform/http/schemas.js';

const MAX_TYPE_LENGTH = 100;

const jobStatusSchema = z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']);

export const listJobsQuery = z.object({
  ...listQuery,
  status: jobStatusSchema.optional(),
  type: text({ min: 1, max: MAX_TYPE_LENGTH }).optional().meta({ description: 'Such as `ingest-source`.' }),
  projectId: idSchema.optional(),
});

/** What a job works on is not shown: a payload may hold what belongs to an account alone. */
export const jobSchema = z
  .object({
    id: idSchema,
    type: z.string(),
    projectId: idSchema.nullable(),
    status: jobStatusSchema,
    attempts: z.int(),
    maxAttempts: z.int(),
    runAt: instantSchema.meta({ description: 'When the next attempt is due, or the last one was.' }),
    lockedBy: z.string().nullable().meta({ description: 'The worker that has it in hand.' }),
    lockedUntil: instantSchema.nullable(),
    cancelRequestedAt: instantSchema
      .nullable()
      .meta({ description: 'Since when a running job is asked to stop.' }),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    progress: z.object({ stage: z.string(), done: z.number(), total: z.number() }).nullable(),
    isRetryable: z.boolean().meta({ description: 'Whether `…/retry` takes it.' }),
    createdAt: instantSchema,
    finishedAt: instantSchema.nullable(),
  })
  .meta({ id: 'Job' });
