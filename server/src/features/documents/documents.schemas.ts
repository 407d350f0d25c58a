import { z } from 'zod';
import { idSchema, instantSchema, listQuery } from '#platform/http/schemas.js';
import { isId } from '#kernel/ids.js';

const documentStatusSchema = z.enum(['processing', 'ready', 'failed']);

const failureSchema = z.object({ code: z.string(), message: z.string() });

export const documentSummarySchema = z
  .object({
    id: idSchema,
    projectId: idSchema,
    sourceId: idSchema,
    title: z.string(),
    url: z.string().nullable(),
    format: z.enum(['markdown', 'plain']),
    language: z.string().meta({ description: 'ISO 639-1, or `und`.' }),
    metadata: z.record(z.string(), z.unknown()),
    status: documentStatusSchema,
    error: failureSchema.nullable(),
    chunkCount: z.int(),
    instructionChunks: z.int().meta({ description: 'Chunks that read like orders to a model.' }),
    contentHash: z.string(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({ id: 'DocumentSummary' });

export const documentSchema = documentSummarySchema
  .extend({ content: z.string().meta({ description: 'The normalised text that citations point into.' }) })
  .meta({ id: 'Document' });

export const chunkSchema = z
  .object({
    id: idSchema,
    documentId: idSchema,
    chunkIndex: z.int(),
    content: z.string(),
    start: z.int().meta({ description: 'Offset in the document, in UTF-16 units.' }),
    end: z.int(),
    page: z.int().nullable(),
    heading: z.string().nullable(),
    tokenCount: z.int(),
    instructionScore: z.number().nullable().meta({
      description:
        'How much the text reads like orders to a model, 0 to 1; from 0.5 on it is taken for such. Null: not looked at.',
    }),
  })
  .meta({ id: 'Chunk' });

export const listDocumentsQuery = z.object({
  ...listQuery,
  sourceId: z.string().refine(isId, 'must be the id of a source').optional(),
  status: documentStatusSchema.optional(),
});

export const listChunksQuery = z.object(listQuery);
