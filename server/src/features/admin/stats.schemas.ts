import { z } from 'zod';
import { idSchema, instantSchema } from '#platform/http/schemas.js';

const countSchema = z.int();
const ofSources = 'As of the last run of each source.';

export const statsSchema = z
  .object({
    users: z.object({
      total: countSchema,
      verified: countSchema,
      suspended: countSchema,
      newIn30Days: countSchema,
    }),
    projects: z.object({ total: countSchema, public: countSchema }),
    sources: z.object({
      queued: countSchema,
      processing: countSchema,
      ready: countSchema,
      failed: countSchema,
      cancelled: countSchema,
    }),
    documents: countSchema.meta({ description: ofSources }),
    chunks: countSchema.meta({ description: ofSources }),
    conversationsIn30Days: countSchema,
    messagesIn30Days: countSchema.meta({ description: 'Questions and answers.' }),
    jobs: z.object({
      queued: countSchema,
      running: countSchema,
      succeeded: countSchema,
      failed: countSchema,
      cancelled: countSchema,
    }),
    databaseBytes: countSchema,
    embeddingModels: z
      .array(
        z.object({
          model: z.string().nullable().meta({ description: 'Null: whatever is configured.' }),
          projects: countSchema,
        }),
      )
      .meta({ description: 'By which vectors the projects are searched.' }),
    processes: z
      .array(
        z.object({
          id: idSchema,
          role: z.string(),
          host: z.string(),
          version: z.string(),
          startedAt: instantSchema,
        }),
      )
      .meta({ description: 'Those that are alive.' }),
  })
  .meta({ id: 'AdminStats' });
