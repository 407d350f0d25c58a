import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { callerOf, scopeOf } from '#platform/http/caller.js';
import { idempotent } from '#platform/http/idempotency.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { requireUser } from '#features/auth/auth.hooks.js';
import { createProject } from './create-project.js';
import { deleteProject } from './delete-project.js';
import { presentProject } from './present-project.js';
import { requireKeyScope, requireProject } from './projects.hooks.js';
import { findProject, listProjectsOfUser } from './projects.queries.js';
import {
  createProjectBody,
  listProjectsQuery,
  projectSchema,
  updateProjectBody,
} from './projects.schemas.js';
import { updateProject } from './update-project.js';

const params = z.object({ projectId: pathId });
const docs = { tags: ['Projects'], security: [{ bearer: [] }] };

export const projectRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    server.post(
      '/v1/projects',
      {
        schema: {
          ...docs,
          summary: 'Make a project',
          description:
            'An API key may do it if it is not bound to one project and has the scope `write` or `admin`.',
          body: createProjectBody,
          response: { 201: projectSchema, ...problems },
        },
        onRequest: [requireUser(ctx), requireKeyScope('project:create')],
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const project = await createProject(ctx, callerOf(request), request.body);
        return reply.status(201).send(presentProject(project));
      },
    );

    server.get(
      '/v1/projects',
      {
        schema: {
          ...docs,
          summary: 'List your projects, newest first',
          description: 'An API key that is bound to one project lists that one.',
          querystring: listProjectsQuery,
          response: { 200: listOf(projectSchema), ...problems },
        },
        onRequest: [requireUser(ctx), requireKeyScope('project:read')],
      },
      async (request) => {
        const { limit, cursor } = request.query;
        const { userId, apiKey } = callerOf(request).actor;
        const filter = { onlyId: apiKey?.projectId ?? null, beforeId: cursorId(cursor), limit };
        const rows = await listProjectsOfUser(ctx.db, userId, filter);
        const page = pageOf(rows, limit);
        return { ...page, data: page.data.map(presentProject) };
      },
    );

    server.get(
      '/v1/projects/:projectId',
      {
        schema: { ...docs, summary: 'Read a project', params, response: { 200: projectSchema, ...problems } },
        onRequest: [requireUser(ctx), requireProject(ctx, 'project:read')],
      },
      async (request) =>
        presentProject(
          await inProjectTransaction(ctx, scopeOf(request), (tx) => findProject(tx.db, scopeOf(request))),
        ),
    );

    server.patch(
      '/v1/projects/:projectId',
      {
        schema: {
          ...docs,
          summary: 'Change settings of a project',
          params,
          body: updateProjectBody,
          response: { 200: projectSchema, ...problems },
        },
        onRequest: [requireUser(ctx), requireProject(ctx, 'project:update')],
      },
      async (request) => presentProject(await updateProject(ctx, scopeOf(request), request.body)),
    );

    server.delete(
      '/v1/projects/:projectId',
      {
        schema: {
          ...docs,
          summary: 'Delete a project and all it holds',
          params,
          response: { 204: z.null(), ...problems },
        },
        onRequest: [requireUser(ctx), requireProject(ctx, 'project:delete')],
      },
      async (request, reply) => {
        await deleteProject(ctx, scopeOf(request));
        return reply.status(204).send(null);
      },
    );
  };
