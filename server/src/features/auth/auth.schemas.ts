import { z } from 'zod';
import { isCommonPassword } from '#kernel/common-passwords.js';
import { emailSchema, idSchema, instantSchema, nameSchema, text } from '#platform/http/schemas.js';

const MIN_PASSWORD_LENGTH = 8;
const MAX_PASSWORD_LENGTH = 256;
const MAX_TOKEN_LENGTH = 500;

/** A password that is chosen: no rules of composition, but none that everybody tries first. */
const newPasswordSchema = text({ min: MIN_PASSWORD_LENGTH, max: MAX_PASSWORD_LENGTH }).refine(
  (password) => !isCommonPassword(password),
  'is one of the most common passwords: please choose another',
);

const tokenSchema = text({ min: 1, max: MAX_TOKEN_LENGTH });

export const registerBody = z
  .strictObject({
    email: emailSchema,
    password: newPasswordSchema,
    name: nameSchema,
  })
  .meta({ id: 'Register' });

export const loginBody = z
  .strictObject({ email: emailSchema, password: text({ min: 1, max: MAX_PASSWORD_LENGTH }) })
  .meta({ id: 'Login' });

export const refreshBody = z.strictObject({ refreshToken: tokenSchema }).meta({ id: 'Refresh' });

export const updateProfileBody = z
  .strictObject({
    name: nameSchema.optional(),
    email: emailSchema.optional(),
    currentPassword: text({ min: 1, max: MAX_PASSWORD_LENGTH })
      .optional()
      .meta({ description: 'Needed for another address.' }),
  })
  .refine(
    ({ name, email }) => name !== undefined || email !== undefined,
    'must change the name or the address',
  )
  .meta({ id: 'UpdateProfile' });

export const changePasswordBody = z
  .strictObject({
    currentPassword: text({ min: 1, max: MAX_PASSWORD_LENGTH }),
    newPassword: newPasswordSchema,
  })
  .meta({ id: 'ChangePassword' });

export const requestPasswordResetBody = z
  .strictObject({ email: emailSchema })
  .meta({ id: 'RequestPasswordReset' });

export const resetPasswordBody = z
  .strictObject({ token: tokenSchema, password: newPasswordSchema })
  .meta({ id: 'ResetPassword' });

export const verifyEmailBody = z.strictObject({ token: tokenSchema }).meta({ id: 'VerifyEmail' });

export const sessionSchema = z
  .object({
    id: idSchema,
    userAgent: z.string().nullable(),
    ip: z.string().nullable(),
    isCurrent: z.boolean().meta({ description: 'The session that asks.' }),
    createdAt: instantSchema,
    lastUsedAt: instantSchema.meta({ description: 'When its tokens were last made or renewed.' }),
    expiresAt: instantSchema,
  })
  .meta({ id: 'Session' });

export const userSchema = z
  .object({
    id: idSchema,
    email: z.string(),
    name: z.string(),
    role: z.enum(['user', 'admin']),
    emailVerifiedAt: instantSchema.nullable(),
    createdAt: instantSchema,
  })
  .meta({ id: 'User' });

export const tokensSchema = z
  .object({
    accessToken: z.string(),
    refreshToken: z.string(),
    expiresIn: z.int().meta({ description: 'Lifetime of the access token in seconds.' }),
  })
  .meta({ id: 'Tokens' });

export const signedInSchema = tokensSchema.extend({ user: userSchema }).meta({ id: 'SignedIn' });

export type UpdateProfileInput = z.infer<typeof updateProfileBody>;
export type ChangePasswordInput = z.infer<typeof changePasswordBody>;
export type RegisterInput = z.infer<typeof registerBody>;
export type LoginInput = z.infer<typeof loginBody>;
