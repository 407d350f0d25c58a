import { z } from 'zod';
import { instantSchema } from '#platform/http/schemas.js';

const COSTS = 'US dollars, as the costs of models are.';

const limits = z.object({
  chatbots: z.int().nullable(),
  messagesMini: z.int().nullable(),
  messagesPremium: z.int().nullable(),
  indexedPages: z.int().nullable(),
});

export const billingAccountSchema = z
  .object({
    plan: z.enum(['free', 'pro', 'enterprise']),
    status: z.enum(['active', 'trialing', 'past_due', 'cancelled']),
    price: z.string().nullable().meta({ description: 'A month; null: by agreement.' }),
    currency: z.string().meta({ description: 'Of `price`.' }),
    anchor: instantSchema.nullable().meta({
      description:
        'Periods begin on its day of the month and at its time of day, in UTC. Null: with each month.',
    }),
    periodStart: instantSchema,
    periodEnd: instantSchema,
    trialEndsAt: instantSchema.nullable(),
    pendingPlan: z
      .enum(['free', 'pro', 'enterprise'])
      .nullable()
      .meta({ description: 'The plan that begins at `pendingAt`.' }),
    pendingAt: instantSchema.nullable(),
    limits: limits.meta({ description: 'Of the period that is under way. Null: as much as one likes.' }),
    customLimits: limits
      .partial()
      .meta({ description: 'Those of them that were agreed on for this account.' }),
    spendingCap: z
      .string()
      .nullable()
      .meta({ description: `What models may cost in a period: at that, messages are refused. ${COSTS}` }),
    humanTicketCost: z
      .string()
      .nullable()
      .meta({
        description: `What a question costs that a person answers: savings are reckoned by it. ${COSTS}`,
      }),
    costCurrency: z.string().meta({ description: 'Of `spendingCap` and `humanTicketCost`.' }),
  })
  .meta({ id: 'BillingAccount' });

export const updateBillingAccountBody = z
  .strictObject({
    spendingCap: z
      .string()
      .regex(/^\d{1,9}(\.\d{1,9})?$/, 'must be an amount such as "25.00"')
      .nullable()
      .meta({ description: 'Holds at once, in the period that is under way too. Null: no cap.' }),
    humanTicketCost: z
      .string()
      .regex(/^\d{1,9}(\.\d{1,2})?$/, 'must be an amount such as "6.50"')
      .nullable(),
  })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, 'must change something')
  .meta({ id: 'UpdateBillingAccount' });

export type UpdateBillingAccountInput = z.infer<typeof updateBillingAccountBody>;
