import { z } from 'zod';
import { idSchema, instantSchema, listQuery, nameSchema, text } from '#platform/http/schemas.js';

const MAX_STRIPE_ID_LENGTH = 255;
const MAX_COUNT = 1_000_000_000;
const MAX_VALID_DAYS = 3_650;
/** What stands in addresses. */
const CODE = /^[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?$/;

/** Money as people write it: up to two decimals, and no sign. */
const priceSchema = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,2})?$/, 'must be an amount such as "49.00"')
  .meta({ description: 'A decimal, such as `49.00`.' });

const currencySchema = z
  .string()
  .regex(/^[A-Z]{3}$/, 'must be a currency of three letters such as "USD"')
  .meta({ description: 'ISO 4217.' });

const stripePriceSchema = text({ min: 1, max: MAX_STRIPE_ID_LENGTH }).meta({
  description: 'The price at Stripe. Unset or null: the price is told to Stripe with each checkout.',
});

const limitSchema = z.int().min(0).max(MAX_COUNT).nullable();

const newLimits = z
  .strictObject({
    chatbots: limitSchema,
    messagesMini: limitSchema,
    messagesPremium: limitSchema,
    indexedPages: limitSchema,
  })
  .partial()
  .meta({ description: 'What is not named stays. Null: as much as one likes.' });

export const newPlanVersionBody = z
  .strictObject({
    price: priceSchema.nullable(),
    currency: currencySchema,
    limits: newLimits,
    stripePriceId: stripePriceSchema.nullable(),
  })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, 'must change something')
  .meta({ id: 'NewPlanVersion' });

export type NewPlanVersionInput = z.infer<typeof newPlanVersionBody>;

const addOnFields = {
  name: nameSchema,
  quantity: z.int().min(1).max(MAX_COUNT),
  price: priceSchema,
  currency: currencySchema,
  validDays: z.int().min(1).max(MAX_VALID_DAYS).nullable().meta({ description: 'Null: they do not expire.' }),
  isOffered: z.boolean().meta({ description: 'Whether it can be bought.' }),
  stripePriceId: stripePriceSchema.nullable(),
};
const kindSchema = z.enum(['messages_mini', 'messages_premium', 'indexed_pages']);

const { currency, validDays, isOffered, stripePriceId, ...needed } = addOnFields;

export const newAddOnBody = z
  .strictObject({
    code: z.string().regex(CODE, 'must be small letters, digits and hyphens, at most 50'),
    kind: kindSchema,
    ...needed,
    currency: currency.default('USD'),
    validDays: validDays.optional(),
    isOffered: isOffered.default(true),
    stripePriceId: stripePriceId.optional(),
  })
  .meta({ id: 'NewAddOn' });

export type NewAddOnInput = z.infer<typeof newAddOnBody>;

export const newAddOnVersionBody = z
  .strictObject(addOnFields)
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, 'must change something')
  .meta({ id: 'NewAddOnVersion' });

export type NewAddOnVersionInput = z.infer<typeof newAddOnVersionBody>;

export const listVersionsQuery = z.object(listQuery);

const planLimitsSchema = z
  .object({
    chatbots: z.int().nullable(),
    messagesMini: z.int().nullable().meta({ description: 'In a period.' }),
    messagesPremium: z.int().nullable().meta({ description: 'In a period.' }),
    indexedPages: z.int().nullable().meta({ description: 'At one time, in all projects of the account.' }),
  })
  .meta({ id: 'PlanLimits', description: 'Null: as much as one likes.' });

const planSchema = z
  .object({
    plan: z.enum(['free', 'pro', 'enterprise']),
    version: z.int(),
    price: z.string().nullable().meta({ description: 'A month; null: by agreement.' }),
    currency: z.string(),
    limits: planLimitsSchema,
  })
  .meta({ id: 'Plan' });

const addOnSchema = z
  .object({
    id: idSchema,
    code: z.string(),
    version: z.int(),
    name: z.string(),
    kind: kindSchema,
    quantity: z.int(),
    price: z.string(),
    currency: z.string(),
    validDays: z.int().nullable(),
  })
  .meta({ id: 'AddOn' });

export const catalogueSchema = z
  .object({ plans: z.array(planSchema), addOns: z.array(addOnSchema) })
  .meta({ id: 'PlanCatalogue' });

export const planVersionSchema = planSchema
  .extend({ id: idSchema, stripePriceId: z.string().nullable(), createdAt: instantSchema })
  .meta({ id: 'PlanVersion' });

export const addOnVersionSchema = addOnSchema
  .extend({ isOffered: z.boolean(), stripePriceId: z.string().nullable(), createdAt: instantSchema })
  .meta({ id: 'AddOnVersion' });
