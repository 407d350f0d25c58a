import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { userOf } from '#platform/http/caller.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { requireAdmin } from '#features/auth/auth.hooks.js';
import { endUserSessions } from './end-user-sessions.js';
import { updateUser } from './update-user.js';
import { type UserWithCount, findUser, listUsers } from './users.queries.js';
import { adminUserSchema, listUsersQuery, updateUserBody } from './users.schemas.js';

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
          description: 'Suspending ends all sessions. The last admin stays one (409).',
          params,
          body: updateUserBody,
          response: { 200: adminUserSchema, ...problems },
        },
        onRequest,
      },
      async (request) =>
        presentUser(await updateUser(ctx, userOf(request), request.params.userId, request.body)),
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
    emailVerifiedAt: user.emailVerifiedAt?.toISOString() ?? null,
    suspendedAt: user.suspendedAt?.toISOString() ?? null,
    projectCount,
    createdAt: user.createdAt.toISOString(),
  };
}
