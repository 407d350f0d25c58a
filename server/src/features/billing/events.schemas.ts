import { z } from 'zod';
import { billingEventType } from '#db/schema/usage.js';
import { idSchema, instantSchema, listQuery, monthSchema } from '#platform/http/schemas.js';

export const listBillingEventsQuery = z.object({
  ...listQuery,
  type: z.enum(billingEventType.enumValues).optional(),
  projectId: z.string().optional().meta({ description: 'Lines of this project, for its owners.' }),
  month: monthSchema
    .optional()
    .meta({ description: 'Lines of the period that `GET /v1/usage` shows for this month.' }),
});

export const billingEventSchema = z
  .object({
    id: idSchema,
    projectId: idSchema.nullable(),
    type: z.enum(billingEventType.enumValues),
    reason: z.string(),
    quantity: z
      .int()
      .meta({ description: 'Messages, pages or credits; negative where they are taken back.' }),
    tier: z.enum(['mini', 'premium']).nullable(),
    periodId: idSchema.nullable(),
    creditGrantId: idSchema.nullable().meta({ description: 'The credits that paid for it.' }),
    cost: z.string().meta({ description: 'What the providers of models charge for it, in US dollars.' }),
    amount: z
      .string()
      .nullable()
      .meta({ description: 'Money that moved between the account and the operator.' }),
    currency: z.string().nullable().meta({ description: 'Of `amount`.' }),
    metadata: z.record(z.string(), z.unknown()),
    createdAt: instantSchema,
  })
  .meta({ id: 'BillingEvent' });
