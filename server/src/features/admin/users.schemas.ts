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

export const updateUserBody = z
  .strictObject({ plan: planSchema, role: roleSchema, suspended: z.boolean() })
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
    emailVerifiedAt: instantSchema.nullable(),
    suspendedAt: instantSchema
      .nullable()
      .meta({ description: 'Since when no credential of the account works.' }),
    projectCount: z.int().meta({ description: 'Projects that the account owns.' }),
    createdAt: instantSchema,
  })
  .meta({ id: 'AdminUser' });

export type UpdateUserInput = z.infer<typeof updateUserBody>;
