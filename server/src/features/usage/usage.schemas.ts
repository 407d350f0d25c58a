import { z } from 'zod';
import { idSchema, instantSchema, monthSchema } from '#platform/http/schemas.js';

const month = monthSchema.optional().meta({
  description:
    'The period that begins in this month, the newest of several; of the month that is now, the one that is under way. Unset: that one.',
});

export const usageQuery = z.object({
  projectId: z
    .string()
    .optional()
    .meta({ description: 'Of this project, for its owners. Unset: of your account.' }),
  month,
});

export const ofMonthQuery = z.object({ month });

const limit = z.int().nullable().meta({ description: 'Of the account; null: as much as one likes.' });
const credits = z.int().meta({ description: 'Add-on credits of the account that are left now.' });
const usedNow = z
  .int()
  .nullable()
  .meta({ description: 'How many there are now; null for a period that has ended.' });

const messagesSchema = z.object({
  used: z.int().meta({ description: 'Charged in the period, those that credits paid for with them.' }),
  usedCredits: z.int().meta({
    description: 'Of `used`: paid for by credits. `limit - used + usedCredits` is left of the plan.',
  }),
  limit,
  credits,
});

export const usageSchema = z
  .object({
    projectId: idSchema.nullable(),
    month: z.string().meta({ description: 'The month that the period begins in.' }),
    periodStart: instantSchema,
    periodEnd: instantSchema.meta({ description: 'The first instant after it.' }),
    plan: z.enum(['free', 'pro', 'enterprise']),
    messagesMini: messagesSchema,
    messagesPremium: messagesSchema,
    indexedPages: z.object({
      used: usedNow,
      limit,
      credits,
      processed: z.int().meta({ description: 'Read and indexed in the period; unchanged pages are not.' }),
    }),
    chatbots: z.object({ used: usedNow, limit, credits }),
    cost: z.string().meta({ description: 'What the providers of models charge, as a decimal.' }),
    currency: z.string(),
    spendingCap: z
      .string()
      .nullable()
      .meta({ description: 'Of the account: what `cost` may come to in the period.' }),
  })
  .meta({ id: 'Usage' });

export const dailyUsageSchema = z
  .object({
    projectId: idSchema.nullable(),
    month: z.string(),
    periodStart: instantSchema,
    periodEnd: instantSchema,
    currency: z.string(),
    data: z.array(
      z.object({
        day: z.string().meta({ description: '`YYYY-MM-DD`, in UTC.' }),
        messagesMini: z.int(),
        messagesPremium: z.int(),
        pages: z.int().meta({ description: 'Read and indexed.' }),
        cost: z.string(),
      }),
    ),
  })
  .meta({ id: 'DailyUsage' });
