import { z } from 'zod';
import {
  idSchema,
  instantSchema,
  listQuery,
  metadataSchema,
  nameSchema,
  text,
} from '#platform/http/schemas.js';
import { parseSyncInterval } from '#kernel/sync-interval.js';

/** A text of 5 MiB, escaped as JSON. */
export const BODY_LIMIT_BYTES = 11 * 1024 * 1024;
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

const MAX_PATTERNS = 100;
const MAX_PATTERN_LENGTH = 500;
const MAX_PAIRS = 5_000;
const MAX_QUESTION_LENGTH = 1_000;
const MAX_ANSWER_LENGTH = 8_000;

const patternsSchema = z.array(text({ min: 1, max: MAX_PATTERN_LENGTH })).max(MAX_PATTERNS);

/** How far a crawl goes. */
const crawlSchema = z
  .strictObject({
    maxPages: z.int().min(1).max(100_000).default(500),
    maxDepth: z.int().min(0).max(100).default(10),
    include: patternsSchema.default([]),
    exclude: patternsSchema.default([]),
    sitemap: z.boolean().default(true),
    render: z.boolean().default(false).meta({
      description: 'Pages are drawn by the headless browser that the server is configured with.',
    }),
  })
  .meta({
    description:
      'Patterns are compared with path and query from their beginning (`/docs/`), with the whole address (`https://…`), or anywhere (`print=1`); `*` is any run of characters, `$` the end.',
  });

const pairsSchema = z
  .array(
    z.strictObject({
      question: text({ min: 1, max: MAX_QUESTION_LENGTH }).refine(hasWords, 'must not be blank'),
      answer: text({ min: 1, max: MAX_ANSWER_LENGTH }).refine(hasWords, 'must not be blank'),
    }),
  )
  .min(1)
  .max(MAX_PAIRS);

function hasWords(value: string): boolean {
  return value.trim() !== '';
}

const SYNC_EVERY_PATTERN = /^(?:\d{1,6}[mhdw]|hourly|daily|weekly|monthly)$/;
const SYNC_EVERY_FAULT =
  'must be an interval between 1m and 366d such as 30m, 12h, 1d or 2w, or hourly, daily, weekly or monthly';

const syncEverySchema = z
  .string()
  .regex(SYNC_EVERY_PATTERN, SYNC_EVERY_FAULT)
  .refine((value) => parseSyncInterval(value) !== null, SYNC_EVERY_FAULT)
  .meta({ example: '1d' })
  .nullable();

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
      crawl: crawlSchema.optional(),
      syncEvery: syncEverySchema.optional(),
      metadata: metadataSchema.optional(),
    }),
    z.strictObject({
      type: z.literal('qa'),
      name: nameSchema,
      pairs: pairsSchema,
      metadata: metadataSchema.optional(),
    }),
  ])
  .meta({ id: 'CreateSource' });

export type CreateSourceInput = z.infer<typeof createSourceBody>;

export const updateSourceBody = z
  .strictObject({
    name: nameSchema,
    metadata: metadataSchema,
    syncEvery: syncEverySchema,
    pairs: pairsSchema.meta({ description: 'Of a source of questions and answers: replaces them.' }),
  })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, 'must change something')
  .meta({ id: 'UpdateSource' });

export type UpdateSourceInput = z.infer<typeof updateSourceBody>;

const countsSchema = z
  .object({
    added: z.int(),
    changed: z.int(),
    gone: z.int(),
    unchanged: z.int(),
    skipped: z.int(),
    failed: z.int(),
    embeddedChunks: z.int(),
    embeddingTokens: z.int(),
    cost: z.string().meta({ description: 'What the provider of the embedding model charges.' }),
    currency: z.string(),
  })
  .meta({ id: 'SyncCounts', description: 'Pages by what became of them in a run, and what was embedded.' });

export const sourceSchema = z
  .object({
    id: idSchema,
    projectId: idSchema,
    type: z.enum(['text', 'file', 'url', 'qa']),
    name: z.string(),
    url: z.string().nullable(),
    crawl: crawlSchema.nullable(),
    pairCount: z.int().nullable(),
    status: sourceStatusSchema,
    progress: z.object({ stage: z.string(), done: z.int(), total: z.int() }),
    documentCount: z.int(),
    chunkCount: z.int(),
    metadata: z.record(z.string(), z.unknown()),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
    lastSyncedAt: instantSchema.nullable(),
    syncEvery: z.string().nullable(),
    nextSyncAt: instantSchema.nullable(),
    lastSync: countsSchema.nullable(),
  })
  .meta({ id: 'Source' });

export const listSourcesQuery = z.object({ ...listQuery, status: sourceStatusSchema.optional() });

const pageStatusSchema = z.enum(['queued', 'indexed', 'unchanged', 'skipped', 'failed']);

export const pageSchema = z
  .object({
    id: idSchema,
    url: z.string().nullable(),
    title: z.string().nullable(),
    status: pageStatusSchema,
    reason: z.string().nullable().meta({
      description:
        'Why it is not indexed: `robots`, `noindex`, `canonical`, `duplicate_of`, `http_404`, `usage_limit` (the account has no place left for a new page), …',
    }),
    detail: z
      .string()
      .nullable()
      .meta({ description: 'In words; or of a double, a redirect and a canonical page the other address.' }),
    depth: z.int(),
    bytes: z.int().nullable(),
    language: z.string().nullable(),
    chunkCount: z.int(),
    documentId: idSchema.nullable(),
    visitedAt: instantSchema.nullable(),
  })
  .meta({ id: 'Page' });

export const listPagesQuery = z.object({ ...listQuery, status: pageStatusSchema.optional() });

const costSchema = z.string().meta({ description: 'Decimal, of the embedding model; 0 without one.' });

export const sourcePreviewSchema = z
  .object({
    pages: z.array(
      z.object({
        url: z.string().nullable(),
        title: z.string().nullable(),
        status: z
          .enum(['indexed', 'skipped', 'failed'])
          .meta({ description: 'What its indexing would say.' }),
        reason: z.string().nullable(),
        detail: z.string().nullable(),
        bytes: z.int().nullable(),
        characters: z.int(),
        language: z.string().nullable(),
        chunkCount: z.int(),
        tokens: z.int(),
        cost: costSchema,
      }),
    ),
    totals: z.object({
      pages: z.int().meta({ description: 'Those that would be indexed.' }),
      bytes: z.int(),
      characters: z.int(),
      chunks: z.int(),
      tokens: z.int(),
      cost: costSchema,
      currency: z.string(),
    }),
    truncated: z.boolean().meta({ description: 'There is more than was looked at.' }),
    pagesLeft: z.int().nullable().meta({
      description: 'How many more pages the account may index. Null: as many as it likes.',
    }),
  })
  .meta({ id: 'SourcePreview' });

export type SourcePreview = z.infer<typeof sourcePreviewSchema>;
