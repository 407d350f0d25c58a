import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { scopeOf } from '#platform/http/caller.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { requireUser } from '#features/auth/auth.hooks.js';
import { presentProject } from '#features/projects/present-project.js';
import { requireProject } from '#features/projects/projects.hooks.js';
import { projectSchema } from '#features/projects/projects.schemas.js';
import { requireRemoval } from './members.hooks.js';
import { listMembers } from './members.queries.js';
import { listMembersQuery, memberSchema, transferProjectBody, updateMemberBody } from './members.schemas.js';
import { presentMember } from './present-member.js';
import { removeMember } from './remove-member.js';
import { transferProject } from './transfer-project.js';
import { updateMember } from './update-member.js';

const docs = { tags: ['Members'], security: [{ bearer: [] }] };
const inProject = z.object({ projectId: pathId });
const params = z.object({ projectId: pathId, userId: pathId });

export const memberRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    server.get(
      '/v1/projects/:projectId/members',
      {
        schema: {
          ...docs,
          summary: 'List members, the newest account first',
          params: inProject,
          querystring: listMembersQuery,
          response: { 200: listOf(memberSchema), ...problems },
        },
        onRequest: [requireUser(ctx), requireProject(ctx, 'members:read')],
      },
      async (request) => {
        const { limit, cursor } = request.query;
        const filter = { beforeId: cursorId(cursor), limit };
        const page = pageOf(
          await inProjectTransaction(ctx, scopeOf(request), (tx) =>
            listMembers(tx.db, scopeOf(request), filter),
          ),
          limit,
        );
        return { ...page, data: page.data.map(presentMember) };
      },
    );

    server.patch(
      '/v1/projects/:projectId/members/:userId',
      {
        schema: {
          ...docs,
          summary: 'Change the role of a member',
          description: 'The member hears of it by mail. The one who pays for the project stays its owner.',
          params,
          body: updateMemberBody,
          response: { 200: memberSchema, ...problems },
        },
        onRequest: [requireUser(ctx), requireProject(ctx, 'members:write')],
      },
      async (request) => {
        const { userId } = request.params;
        return presentMember(await updateMember(ctx, scopeOf(request), userId, request.body));
      },
    );

    server.delete(
      '/v1/projects/:projectId/members/:userId',
      {
        schema: {
          ...docs,
          summary: 'Remove a member, or leave the project',
          description: 'Every member may leave but the one who pays, who transfers the project first.',
          params,
          response: { 204: z.null(), ...problems },
        },
        onRequest: [requireUser(ctx), requireRemoval(ctx)],
      },
      async (request, reply) => {
        await removeMember(ctx, scopeOf(request), request.params.userId);
        return reply.status(204).send(null);
      },
    );

    server.post(
      '/v1/projects/:projectId/transfer',
      {
        schema: {
          ...docs,
          summary: 'Transfer the project to another member, who pays for it from now on',
          description: 'Only for the one who pays now, who stays an owner and may leave afterwards.',
          params: inProject,
          body: transferProjectBody,
          response: { 200: projectSchema, ...problems },
        },
        onRequest: [requireUser(ctx), requireProject(ctx, 'project:transfer')],
      },
      async (request) => presentProject(await transferProject(ctx, scopeOf(request), request.body.userId)),
    );
  };
