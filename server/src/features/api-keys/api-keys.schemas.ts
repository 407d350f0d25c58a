import { z } from 'zod';
import { idSchema, instantSchema, listQuery, nameSchema, text } from '#platform/http/schemas.js';

/** Longer than any id: what is none is `not_found`, as an unknown one is. */
const MAX_ID_LENGTH = 100;
const DEFAULT_SCOPES = ['chat', 'read'] as const;
const DEFAULT_OVERLAP_SECONDS = 3_600;
const MAX_OVERLAP_SECONDS = 7 * 24 * 3_600;

const scopeSchema = z.enum(['chat', 'read', 'write', 'admin']);

export const createApiKeyBody = z
  .strictObject({
    name: nameSchema,
    projectId: text({ max: MAX_ID_LENGTH })
      .nullish()
      .meta({ description: 'The one project that it opens; all of yours without it.' }),
    scopes: z
      .array(scopeSchema)
      .min(1, 'must name a scope')
      .max(scopeSchema.options.length)
      .transform((scopes) => scopeSchema.options.filter((scope) => scopes.includes(scope)))
      .default([...DEFAULT_SCOPES])
      .meta({
        description:
          '`chat`: ask; `read`: see everything but the audit log, and search; `write`: both of these, and change sources, conversations, evaluations and leads; `admin`: all that your role allows.',
      }),
    expiresAt: instantSchema.nullish(),
  })
  .meta({ id: 'CreateApiKey' });

const rotateApiKeyBody = z
  .strictObject({
    overlapSeconds: z
      .int()
      .min(0)
      .max(MAX_OVERLAP_SECONDS)
      .default(DEFAULT_OVERLAP_SECONDS)
      .meta({ description: 'How long the old key still works.' }),
  })
  .meta({ id: 'RotateApiKey' });

export const rotateApiKeyInput = rotateApiKeyBody
  .nullish()
  .transform((body) => body ?? { overlapSeconds: DEFAULT_OVERLAP_SECONDS });

export const listApiKeysQuery = z.object(listQuery);

export const apiKeySchema = z
  .object({
    id: idSchema,
    name: z.string(),
    prefix: z.string().meta({ description: 'The first characters of the key.' }),
    projectId: idSchema.nullable(),
    scopes: z.array(scopeSchema),
    expiresAt: instantSchema
      .nullable()
      .meta({ description: 'Also the end of the overlap of a rotated key.' }),
    lastUsedAt: instantSchema.nullable().meta({ description: 'To the minute.' }),
    createdAt: instantSchema,
  })
  .meta({ id: 'ApiKey' });

export const createdApiKeySchema = apiKeySchema
  .extend({ key: z.string().meta({ description: 'The key itself. It is shown this once.' }) })
  .meta({ id: 'CreatedApiKey' });

export type CreateApiKeyInput = z.infer<typeof createApiKeyBody>;
