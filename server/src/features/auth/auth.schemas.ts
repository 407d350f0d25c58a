import { z } from 'zod';
import { emailSchema, idSchema, instantSchema, nameSchema, text } from '#platform/http/schemas.js';

const MIN_PASSWORD_LENGTH = 8;
const MAX_PASSWORD_LENGTH = 256;
const MAX_TOKEN_LENGTH = 500;

export const registerBody = z
  .strictObject({
    email: emailSchema,
    password: text({ min: MIN_PASSWORD_LENGTH, max: MAX_PASSWORD_LENGTH }),
    name: nameSchema,
  })
  .meta({ id: 'Register' });

export const loginBody = z
  .strictObject({ email: emailSchema, password: text({ min: 1, max: MAX_PASSWORD_LENGTH }) })
  .meta({ id: 'Login' });

export const refreshBody = z
  .strictObject({ refreshToken: text({ min: 1, max: MAX_TOKEN_LENGTH }) })
  .meta({ id: 'Refresh' });

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

export type RegisterInput = z.infer<typeof registerBody>;
export type LoginInput = z.infer<typeof loginBody>;
