import { z } from 'zod';
import { idSchema, instantSchema, listQuery, monthSchema } from '#platform/http/schemas.js';

const month = monthSchema.optional().meta({ description: 'Periods that begin in this month.' });

export const listStatementsQuery = z.object({ ...listQuery, month });
export const exportStatementsQuery = z.object({ month });
export const listInvoicesQuery = z.object(listQuery);

const messagesSchema = z.object({
  plan: z.int().meta({ description: 'Charged to the allowance of the plan.' }),
  credits: z.int().meta({ description: 'Paid for by add-on credits.' }),
});

export const statementSchema = z
  .object({
    id: idSchema.meta({ description: 'Of the period.' }),
    periodStart: instantSchema,
    periodEnd: instantSchema,
    status: z.enum(['open', 'closed']),
    plan: z.enum(['free', 'pro', 'enterprise']),
    planVersion: z.int(),
    price: z.string().nullable().meta({ description: 'Of the plan for the period; null: by agreement.' }),
    currency: z.string(),
    limits: z
      .object({
        chatbots: z.int().nullable(),
        messagesMini: z.int().nullable(),
        messagesPremium: z.int().nullable(),
        indexedPages: z.int().nullable(),
      })
      .meta({ description: 'Null: as much as one likes.' }),
    messagesMini: messagesSchema,
    messagesPremium: messagesSchema,
    processedPages: z.int(),
    cost: z.string().meta({ description: 'What the providers of models charge.' }),
    costCurrency: z.string(),
    addOns: z
      .array(
        z.object({
          id: idSchema,
          name: z.string().nullable().meta({ description: 'Null: credits that were given.' }),
          kind: z.enum(['messages_mini', 'messages_premium', 'indexed_pages']),
          quantity: z.int(),
          revoked: z.int().meta({ description: 'Of `quantity`: taken back by a refund, or expired.' }),
          amount: z.string().nullable().meta({ description: 'What was paid; null: nothing.' }),
          currency: z.string().nullable(),
          createdAt: instantSchema,
        }),
      )
      .meta({ description: 'What was bought or given in the period, oldest first.' }),
  })
  .meta({ id: 'Statement' });

export const invoiceSchema = z
  .object({
    id: idSchema,
    number: z.string().nullable(),
    status: z.string().meta({ description: 'As Stripe calls it: `open`, `paid`, `void`, …' }),
    amount: z.string(),
    currency: z.string(),
    periodStart: instantSchema.nullable(),
    periodEnd: instantSchema.nullable(),
    hostedUrl: z.string().nullable().meta({ description: 'Where Stripe shows it.' }),
    createdAt: instantSchema,
  })
  .meta({ id: 'Invoice' });
