import { z } from 'zod';
import { idSchema, instantSchema, listQuery, text } from '#platform/http/schemas.js';

const MAX_SEARCHED_LENGTH = 300;

const roleSchema = z.enum(['user', 'admin']);
const planSchema = z.enum(['free', 'pro', 'enterprise']);

export const listUsersQuery = z.object({
  ...listQuery,
  q: text({ min: 1, max: MAX_SEARCHED_LENGTH })
    .optional()
    .meta({ description: 'A part of the address or of the name.' }),
  role: roleSchema.optional(),
  suspended: z.enum(['true', 'false']).optional(),
});

const MAX_LIMIT = 2_000_000_000;
const limitSchema = z.int().min(0).max(MAX_LIMIT).nullable();
const customLimitsSchema = z
  .strictObject({
    chatbots: limitSchema,
    messagesMini: limitSchema,
    messagesPremium: limitSchema,
    indexedPages: limitSchema,
  })
  .partial();
const priceSchema = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,2})?$/, 'must be an amount such as 499 or 499.00, in the currency of the plan');

export const updateUserBody = z
  .strictObject({
    plan: planSchema,
    customLimits: customLimitsSchema.meta({
      description:
        'Agreed on with this account: what is named goes before the limits of the plan, null is unlimited. Replaces what was agreed on before; another plan takes it back.',
    }),
    customPrice: priceSchema
      .nullable()
      .meta({ description: 'A month, as a decimal number. Null: what the plan costs.' }),
    role: roleSchema,
    suspended: z.boolean(),
  })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, 'must change something')
  .meta({ id: 'AdminUpdateUser' });

export const adminUserSchema = z
  .object({
    id: idSchema,
    email: z.string(),
    name: z.string(),
    role: roleSchema,
    plan: planSchema,
    customLimits: customLimitsSchema,
    customPrice: z.string().nullable(),
    emailVerifiedAt: instantSchema.nullable(),
    suspendedAt: instantSchema
      .nullable()
      .meta({ description: 'Since when no credential of the account works.' }),
    projectCount: z.int().meta({ description: 'Projects that the account owns.' }),
    createdAt: instantSchema,
  })
  .meta({ id: 'AdminUser' });

export type UpdateUserInput = z.infer<typeof updateUserBody>;

const MAX_PACKAGES = 1_000;

export const grantCreditsBody = z
  .strictObject({
    addOnId: idSchema,
    quantity: z.int().min(1).max(MAX_PACKAGES).meta({ description: 'Packages of the add-on.' }),
  })
  .meta({ id: 'AdminGrantCredits' });

export const creditGrantSchema = z
  .object({
    id: idSchema,
    userId: idSchema,
    addOnId: idSchema.nullable(),
    kind: z.enum(['messages_mini', 'messages_premium', 'indexed_pages']),
    quantity: z.int(),
    expiresAt: instantSchema.nullable(),
    createdAt: instantSchema,
  })
  .meta({ id: 'CreditGrant' });
