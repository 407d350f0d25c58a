import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { anonymousCaller } from '#platform/http/caller.js';
import { idempotent } from '#platform/http/idempotency.js';
import type { RateLimits } from '#platform/http/rate-limit.js';
import { problems } from '#platform/http/schemas.js';
import { loginBody, refreshBody, registerBody, signedInSchema, tokensSchema } from './auth.schemas.js';
import { createLoginThrottle } from './login-throttle.js';
import { loginUser } from './login-user.js';
import { logoutUser } from './logout-user.js';
import { presentUser } from './present-user.js';
import { refreshAccessToken } from './refresh-access-token.js';
import { registerUser } from './register-user.js';

const tags = ['Accounts'];

export const authRoutes =
  (ctx: Context, limits: RateLimits): FastifyPluginAsyncZod =>
  async (server) => {
    const throttle = createLoginThrottle(ctx);

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
        const secondsToWait = await throttle(request.body.email);
        const { user, tokens } = await loginUser(ctx, anonymousCaller(request), request.body, secondsToWait);
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
  };
