import { z } from 'zod';
import { emailSchema, idSchema, instantSchema, phoneSchema, text } from '#platform/http/schemas.js';

const MAX_VISITOR_ID_LENGTH = 300;

export const eraseVisitorBody = z
  .strictObject({
    email: emailSchema.optional(),
    phone: phoneSchema.optional(),
    visitorId: text({ min: 1, max: MAX_VISITOR_ID_LENGTH }).optional(),
  })
  .refine((visitor) => Object.values(visitor).some((value) => value !== undefined), {
    path: ['email'],
    message: 'is needed, or a phone, or a visitorId',
  })
  .meta({ id: 'EraseVisitor' });

export type EraseVisitorInput = z.infer<typeof eraseVisitorBody>;

export const erasureSchema = z
  .object({
    id: idSchema.meta({ description: 'By which the audit log speaks of it.' }),
    erasedAt: instantSchema,
    counts: z.object({
      conversations: z.int(),
      messages: z.int(),
      traces: z.int(),
      feedback: z.int(),
      leads: z.int(),
      files: z.int().meta({ description: 'Visitors cannot upload files yet: always 0.' }),
    }),
  })
  .meta({ id: 'Erasure' });
