import { z } from 'zod';
import {
  idSchema,
  instantSchema,
  listQuery,
  metadataSchema,
  nameSchema,
  text,
} from '#platform/http/schemas.js';

const MAX_URL_LENGTH = 2_000;
/** Characters: the byte limit of `createSource` is the one that counts. */
const MAX_TEXT_LENGTH = 5 * 1024 * 1024;

const sourceStatusSchema = z.enum(['queued', 'processing', 'ready', 'failed', 'cancelled']);

const urlSchema = text({ max: MAX_URL_LENGTH })
  .transform((value) => value.trim())
  .refine(
    (value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
    'must be an http or https address',
  )
  .refine((value) => !URL.canParse(value) || new URL(value).username === '', 'must not contain a user name');

export const createSourceBody = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('text'),
      name: nameSchema,
      text: text({ min: 1, max: MAX_TEXT_LENGTH }),
      metadata: metadataSchema.optional(),
    }),
    z.strictObject({
      type: z.literal('url'),
      url: urlSchema,
      name: nameSchema.optional(),
      metadata: metadataSchema.optional(),
    }),
  ])
  .meta({ id: 'CreateSource' });

export type CreateSourceInput = z.infer<typeof createSourceBody>;

export const updateSourceBody = z
  .strictObject({ name: nameSchema, metadata: metadataSchema })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, 'must change the name or the metadata')
  .meta({ id: 'UpdateSource' });

export type UpdateSourceInput = z.infer<typeof updateSourceBody>;

export const sourceSchema = z
  .object({
    id: idSchema,
    projectId: idSchema,
    type: z.enum(['text', 'file', 'url']),
    name: z.string(),
    url: z.string().nullable(),
    status: sourceStatusSchema,
    progress: z.object({ stage: z.string(), done: z.int(), total: z.int() }),
    documentCount: z.int(),
    chunkCount: z.int(),
    metadata: z.record(z.string(), z.unknown()),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
    lastSyncedAt: instantSchema.nullable(),
  })
  .meta({ id: 'Source' });

export const listSourcesQuery = z.object({ ...listQuery, status: sourceStatusSchema.optional() });
