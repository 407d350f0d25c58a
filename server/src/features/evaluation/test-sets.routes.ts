import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { scopeOf } from '#platform/http/caller.js';
import { idempotent } from '#platform/http/idempotency.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { requireUser } from '#features/auth/auth.hooks.js';
import { requireProject } from '#features/projects/projects.hooks.js';
import { createTestSet } from './create-test-set.js';
import { deleteTestSet } from './delete-test-set.js';
import { type TestSetWithCount, findTestSet, listTestSets } from './test-sets.queries.js';
import { listTestSetsQuery, testSetBody, testSetSchema } from './test-sets.schemas.js';
import { updateTestSet } from './update-test-set.js';

const docs = { tags: ['Evaluation'], security: [{ bearer: [] }] };
const inProject = z.object({ projectId: pathId });
const params = z.object({ projectId: pathId, testSetId: pathId });

export const testSetRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const mayRead = [requireUser(ctx), requireProject(ctx, 'evaluation:read')];
    const mayWrite = [requireUser(ctx), requireProject(ctx, 'evaluation:write')];

    server.post(
      '/v1/projects/:projectId/test-sets',
      {
        schema: {
          ...docs,
          summary: 'Make a test set: questions of which you know what should come of them',
          params: inProject,
          body: testSetBody,
          response: { 201: testSetSchema, ...problems },
        },
        onRequest: mayWrite,
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const testSet = await createTestSet(ctx, scopeOf(request), request.body);
        return reply.status(201).send(presentTestSet(testSet));
      },
    );

    server.get(
      '/v1/projects/:projectId/test-sets',
      {
        schema: {
          ...docs,
          summary: 'List test sets, newest first',
          params: inProject,
          querystring: listTestSetsQuery,
          response: { 200: listOf(testSetSchema), ...problems },
        },
        onRequest: mayRead,
      },
      async (request) => {
        const { limit, cursor } = request.query;
        const filter = { beforeId: cursorId(cursor), limit };
        const page = pageOf(
          await inProjectTransaction(ctx, scopeOf(request), (tx) =>
            listTestSets(tx.db, scopeOf(request), filter),
          ),
          limit,
        );
        return { ...page, data: page.data.map(presentTestSet) };
      },
    );

    server.get(
      '/v1/projects/:projectId/test-sets/:testSetId',
      {
        schema: {
          ...docs,
          summary: 'Read a test set',
          params,
          response: { 200: testSetSchema, ...problems },
        },
        onRequest: mayRead,
      },
      async (request) =>
        presentTestSet(
          await inProjectTransaction(ctx, scopeOf(request), (tx) =>
            findTestSet(tx.db, scopeOf(request), request.params.testSetId),
          ),
        ),
    );

    server.patch(
      '/v1/projects/:projectId/test-sets/:testSetId',
      {
        schema: {
          ...docs,
          summary: 'Rename a test set',
          params,
          body: testSetBody,
          response: { 200: testSetSchema, ...problems },
        },
        onRequest: mayWrite,
      },
      async (request) => {
        const { testSetId } = request.params;
        return presentTestSet(await updateTestSet(ctx, scopeOf(request), testSetId, request.body));
      },
    );

    server.delete(
      '/v1/projects/:projectId/test-sets/:testSetId',
      {
        schema: {
          ...docs,
          summary: 'Delete a test set with its cases and runs',
          params,
          response: { 204: z.null(), ...problems },
        },
        onRequest: mayWrite,
      },
      async (request, reply) => {
        await deleteTestSet(ctx, scopeOf(request), request.params.testSetId);
        return reply.status(204).send(null);
      },
    );
  };

function presentTestSet(row: TestSetWithCount): z.infer<typeof testSetSchema> {
  return { ...row, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}
