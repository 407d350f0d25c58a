import { z } from 'zod';
import { idSchema, instantSchema, listQuery, text } from '#platform/http/schemas.js';

const MAX_FILTER_LENGTH = 200;

const filters = {
  projectId: z
    .string()
    .optional()
    .meta({ description: 'Acts in this project, for its owner. Unset: your own acts; an admin’s: all.' }),
  actorId: text({ max: MAX_FILTER_LENGTH }).optional().meta({ description: 'Acts of this user.' }),
  action: text({ max: MAX_FILTER_LENGTH }).optional().meta({ description: 'Such as `source.create`.' }),
  outcome: z.enum(['done', 'refused']).optional(),
  from: instantSchema.optional(),
  to: instantSchema.optional().meta({ description: 'Up to, and without.' }),
};

export const listAuditLogsQuery = z.object({ ...filters, ...listQuery });
export const exportAuditLogsQuery = z.object(filters);
export type AuditLogsQuery = z.infer<typeof exportAuditLogsQuery>;

export const auditLogSchema = z
  .object({
    id: idSchema,
    projectId: idSchema.nullable(),
    actorId: z.string().nullable().meta({ description: 'The user; null: a visitor, or the system.' }),
    actorType: z.enum(['user', 'visitor', 'system']),
    apiKeyId: idSchema.nullable().meta({ description: 'The API key that the user’s program came with.' }),
    action: z.string(),
    outcome: z.enum(['done', 'refused']),
    resourceType: z.string(),
    resourceId: z.string().nullable(),
    changes: z.record(z.string(), z.unknown()).meta({
      description: 'For an update: each changed field with `before` and `after`. For a refusal: its code.',
    }),
    ip: z.string().nullable().meta({ description: 'The address; of visitors of a project its network.' }),
    userAgent: z.string().nullable(),
    requestId: z.string().nullable(),
    createdAt: instantSchema,
  })
  .meta({ id: 'AuditLog' });
