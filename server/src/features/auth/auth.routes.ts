import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { anonymousCaller, userOf } from '#platform/http/caller.js';
import { idempotent } from '#platform/http/idempotency.js';
import type { RateLimits } from '#platform/http/rate-limit.js';
import { problems } from '#platform/http/schemas.js';
import { requireUser } from './auth.hooks.js';
import { type UserRow, findUserOrNull } from './auth.queries.js';
import {
  loginBody,
  refreshBody,
  registerBody,
  signedInSchema,
  tokensSchema,
  userSchema,
} from './auth.schemas.js';
import { loginUser } from './login-user.js';
import { logoutUser } from './logout-user.js';
import { refreshAccessToken } from './refresh-access-token.js';
import { registerUser } from './register-user.js';

const tags = ['Accounts'];

export const authRoutes =
  (ctx: Context, limits: RateLimits): FastifyPluginAsyncZod =>
  async (server) => {
    server.post(
      '/v1/auth/register',
      {
        schema: {
          tags,
          summary: 'Make an account and sign in',
          body: registerBody,
          response: { 201: signedInSchema, ...problems },
        },
        onRequest: limits.secrets,
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const { user, tokens } = await registerUser(ctx, anonymousCaller(request), request.body);
        return reply.status(201).send({ user: presentUser(user), ...tokens });
      },
    );

    server.post(
      '/v1/auth/login',
      {
        schema: { tags, summary: 'Sign in', body: loginBody, response: { 200: signedInSchema, ...problems } },
        onRequest: limits.secrets,
      },
      async (request) => {
        const { user, tokens } = await loginUser(ctx, anonymousCaller(request), request.body);
        return { user: presentUser(user), ...tokens };
      },
    );

    server.post(
      '/v1/auth/refresh',
      {
        schema: {
          tags,
          summary: 'Exchange a refresh token for new tokens',
          description: 'A token works once. Within 10 s a second use gives the same successor.',
          body: refreshBody,
          response: { 200: tokensSchema, ...problems },
        },
      },
      (request) => refreshAccessToken(ctx, anonymousCaller(request), request.body.refreshToken),
    );

    server.post(
      '/v1/auth/logout',
      {
        schema: {
          tags,
          summary: 'End the session of a refresh token',
          body: refreshBody,
          response: { 204: z.null(), ...problems },
        },
      },
      async (request, reply) => {
        await logoutUser(ctx, anonymousCaller(request), request.body.refreshToken);
        return reply.status(204).send(null);
      },
    );

    server.get(
      '/v1/auth/me',
      {
        schema: {
          tags,
          summary: 'Who you are',
          security: [{ bearer: [] }],
          response: { 200: userSchema, ...problems },
        },
        onRequest: requireUser(ctx),
      },
      async (request) => {
        const user = await findUserOrNull(ctx.db, userOf(request).actor.userId);
        if (user === null) throw new AppError('unauthenticated', 'The account is gone. Please register.');
        return presentUser(user);
      },
    );
  };

function presentUser(user: UserRow): z.infer<typeof userSchema> {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    role: user.role,
    emailVerifiedAt: user.emailVerifiedAt?.toISOString() ?? null,
    createdAt: user.createdAt.toISOString(),
  };
}
