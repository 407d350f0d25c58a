import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { userOf } from '#platform/http/caller.js';
import { idempotent } from '#platform/http/idempotency.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { requireAdmin } from '#features/auth/auth.hooks.js';
import type { CreditGrantRow } from '#features/usage/grant-credits.js';
import { endUserSessions } from './end-user-sessions.js';
import { giveCredits } from './give-credits.js';
import { updateUser } from './update-user.js';
import { type UserWithCount, findUser, listUsers } from './users.queries.js';
import {
  adminUserSchema,
  creditGrantSchema,
  grantCreditsBody,
  listUsersQuery,
  updateUserBody,
} from './users.schemas.js';

const docs = { tags: ['Administration'], security: [{ session: ['admin'] }] };
const params = z.object({ userId: pathId });

export const adminUserRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const onRequest = requireAdmin(ctx);

    server.get(
      '/v1/admin/users',
      {
        schema: {
          ...docs,
          summary: 'List accounts, newest first',
          querystring: listUsersQuery,
          response: { 200: listOf(adminUserSchema), ...problems },
        },
        onRequest,
      },
      async (request) => {
        const { limit, cursor, q: text = null, role = null, suspended } = request.query;
        const isSuspended = suspended === undefined ? null : suspended === 'true';
        const filter = { text, role, isSuspended, beforeId: cursorId(cursor), limit };
        const page = pageOf(await listUsers(ctx.db, filter), limit);
        return { ...page, data: page.data.map(presentUser) };
      },
    );

    server.get(
      '/v1/admin/users/:userId',
      {
        schema: {
          ...docs,
          summary: 'Read an account',
          params,
          response: { 200: adminUserSchema, ...problems },
        },
        onRequest,
      },
      async (request) => presentUser(await findUser(ctx.db, request.params.userId)),
    );

    server.patch(
      '/v1/admin/users/:userId',
      {
        schema: {
          ...docs,
          summary: 'Change plan, role or suspension of an account',
          description:
            'A plan holds at once, also for what is left of the period. Suspending ends all sessions. The last admin stays one (409), and so does a plan that is paid by a subscription.',
          params,
          body: updateUserBody,
          response: { 200: adminUserSchema, ...problems },
        },
        onRequest,
      },
      async (request) =>
        presentUser(await updateUser(ctx, userOf(request), request.params.userId, request.body)),
    );

    server.post(
      '/v1/admin/users/:userId/credits',
      {
        schema: {
          ...docs,
          summary: 'Give an account credits of an add-on',
          description: 'Once for each `Idempotency-Key`, however often it is sent.',
          params,
          body: grantCreditsBody,
          response: { 201: creditGrantSchema, ...problems },
        },
        onRequest,
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const { userId } = request.params;
        const key = [request.headers['idempotency-key']].flat()[0] ?? request.id;
        const grant = await giveCredits(ctx, userOf(request), userId, { ...request.body, key });
        return reply.status(201).send(presentGrant(grant));
      },
    );

    server.delete(
      '/v1/admin/users/:userId/sessions',
      {
        schema: {
          ...docs,
          summary: 'Sign an account out everywhere',
          params,
          response: { 204: z.null(), ...problems },
        },
        onRequest,
      },
      async (request, reply) => {
        await endUserSessions(ctx, userOf(request), request.params.userId);
        return reply.status(204).send(null);
      },
    );
  };

function presentUser(user: UserWithCount): z.infer<typeof adminUserSchema> {
  const { id, email, name, role, plan, projectCount } = user;
  return {
    id,
    email,
    name,
    role,
    plan,
    customLimits: user.customLimits ?? {},
    customPrice: user.customPrice,
    emailVerifiedAt: user.emailVerifiedAt?.toISOString() ?? null,
    suspendedAt: user.suspendedAt?.toISOString() ?? null,
    projectCount,
    createdAt: user.createdAt.toISOString(),
  };
}

function presentGrant(grant: CreditGrantRow): z.infer<typeof creditGrantSchema> {
  const { id, userId, addOnId, kind, quantity } = grant;
  const expiresAt = grant.expiresAt?.toISOString() ?? null;
  return { id, userId, addOnId, kind, quantity, expiresAt, createdAt: grant.createdAt.toISOString() };
}
