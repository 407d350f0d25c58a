import { z } from 'zod';
import {
  emailSchema,
  idSchema,
  instantSchema,
  listQuery,
  metadataSchema,
  nameSchema,
  phoneSchema,
  text,
} from '#platform/http/schemas.js';

const MAX_TOKEN_LENGTH = 200;
const MAX_CONSENT_LENGTH = 2_000;
const MAX_SEARCH_LENGTH = 200;

export const createLeadBody = z
  .strictObject({
    conversationId: z.string().optional(),
    conversationToken: text({ min: 1, max: MAX_TOKEN_LENGTH }).optional(),
    email: emailSchema.optional(),
    phone: phoneSchema.optional(),
    name: nameSchema.optional(),
    metadata: metadataSchema.optional(),
    consent: z
      .strictObject({ text: text({ min: 1, max: MAX_CONSENT_LENGTH }) })
      .optional()
      .meta({ description: 'What the visitor agreed to, word for word; it is kept with the time.' }),
  })
  .refine(({ email, phone }) => email !== undefined || phone !== undefined, {
    path: ['email'],
    message: 'is needed, or a phone',
  })
  .meta({ id: 'CreateLead' });

export type CreateLeadInput = z.infer<typeof createLeadBody>;

export const leadSchema = z
  .object({
    id: idSchema,
    projectId: idSchema,
    conversationId: idSchema.nullable(),
    visitorId: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    name: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    consentAt: instantSchema.nullable(),
    consentText: z.string().nullable(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({ id: 'Lead' });

export const listLeadsQuery = z.object({
  ...listQuery,
  q: text({ min: 1, max: MAX_SEARCH_LENGTH }).optional(),
});
