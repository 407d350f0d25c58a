import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { scopeOf } from '#platform/http/caller.js';
import { idempotent } from '#platform/http/idempotency.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { readInProject } from '#platform/transaction.js';
import { requireUser } from '#features/auth/auth.hooks.js';
import { charsetOfMediaType, decodeText } from '#features/ingestion/extractors/decode-text.js';
import { requireProject } from '#features/projects/projects.hooks.js';
import { addCasesFromFeedback, addTestCases } from './add-test-cases.js';
import { deleteTestCase } from './delete-test-case.js';
import { importTestCases } from './import-test-cases.js';
import { type TestCaseRow, listTestCases } from './test-cases.queries.js';
import { findTestSet } from './test-sets.queries.js';
import {
  addTestCasesBody,
  addedTestCasesSchema,
  fromFeedbackBody,
  listTestSetsQuery,
  testCaseSchema,
  updateTestCaseBody,
} from './test-sets.schemas.js';
import { updateTestCase } from './update-test-case.js';

const docs = { tags: ['Evaluation'], security: [{ bearer: [] }] };
const ofSet = z.object({ projectId: pathId, testSetId: pathId });
const params = z.object({ projectId: pathId, testSetId: pathId, caseId: pathId });

export const testCaseRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const mayRead = [requireUser(ctx), requireProject(ctx, 'evaluation:read')];
    const mayWrite = [requireUser(ctx), requireProject(ctx, 'evaluation:write')];

    server.get(
      '/v1/projects/:projectId/test-sets/:testSetId/cases',
      {
        schema: {
          ...docs,
          summary: 'List the cases of a test set, newest first',
          params: ofSet,
          querystring: listTestSetsQuery,
          response: { 200: listOf(testCaseSchema), ...problems },
        },
        onRequest: mayRead,
      },
      async (request) => {
        const scope = scopeOf(request);
        const { limit, cursor } = request.query;
        const rows = await readInProject(ctx, scope, async (tx) => {
          const { id: testSetId } = await findTestSet(tx.db, scope, request.params.testSetId);
          return listTestCases(tx.db, scope, { testSetId, beforeId: cursorId(cursor), limit });
        });
        const page = pageOf(rows, limit);
        return { ...page, data: page.data.map(presentTestCase) };
      },
    );

    server.post(
      '/v1/projects/:projectId/test-sets/:testSetId/cases',
      {
        schema: {
          ...docs,
          summary: 'Add cases to a test set, all or none',
          params: ofSet,
          body: addTestCasesBody,
          response: { 201: addedTestCasesSchema, ...problems },
        },
        onRequest: mayWrite,
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const { testSetId } = request.params;
        const { cases } = request.body;
        const added = await addTestCases(ctx, scopeOf(request), { testSetId, cases, origin: 'manual' });
        return reply.status(201).send(presentAdded(added));
      },
    );

    server.post(
      '/v1/projects/:projectId/test-sets/:testSetId/cases/from-feedback',
      {
        schema: {
          ...docs,
          summary: 'Add the questions of answers that were rated down',
          description:
            'Those that the set does not have yet, as questions to be answered. Say afterwards what is expected of each.',
          params: ofSet,
          body: fromFeedbackBody.nullish(),
          response: { 201: addedTestCasesSchema, ...problems },
        },
        onRequest: mayWrite,
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const { testSetId } = request.params;
        const since = request.body?.since ?? null;
        const added = await addCasesFromFeedback(ctx, scopeOf(request), { testSetId, since });
        return reply.status(201).send(presentAdded(added));
      },
    );

    server.patch(
      '/v1/projects/:projectId/test-sets/:testSetId/cases/:caseId',
      {
        schema: {
          ...docs,
          summary: 'Change a case',
          params,
          body: updateTestCaseBody,
          response: { 200: testCaseSchema, ...problems },
        },
        onRequest: mayWrite,
      },
      async (request) =>
        presentTestCase(await updateTestCase(ctx, scopeOf(request), request.params, request.body)),
    );

    server.delete(
      '/v1/projects/:projectId/test-sets/:testSetId/cases/:caseId',
      {
        schema: { ...docs, summary: 'Delete a case', params, response: { 204: z.null(), ...problems } },
        onRequest: mayWrite,
      },
      async (request, reply) => {
        await deleteTestCase(ctx, scopeOf(request), request.params);
        return reply.status(204).send(null);
      },
    );

    // Else these would be taken for ids of cases.
    for (const name of ['from-feedback', 'import']) {
      server.route({
        method: ['PATCH', 'DELETE'],
        url: `/v1/projects/:projectId/test-sets/:testSetId/cases/${name}`,
        schema: { hide: true },
        handler: (_request, reply) => reply.callNotFound(),
      });
    }

    await server.register(importRoute(ctx, mayWrite));
  };

/** In a place of its own: its body is a file, and nothing else is one here. */
const importRoute =
  (ctx: Context, onRequest: ReturnType<typeof requireProject>[]): FastifyPluginAsyncZod =>
  async (server) => {
    server.removeAllContentTypeParsers();
    server.addContentTypeParser(
      'text/csv',
      { parseAs: 'buffer' },
      async (request: FastifyRequest, body: Buffer) =>
        decodeText(body, charsetOfMediaType(request.headers['content-type'] ?? null)),
    );

    server.post(
      '/v1/projects/:projectId/test-sets/:testSetId/cases/import',
      {
        schema: {
          ...docs,
          summary: 'Add the rows of a CSV file, all or none',
          description:
            'Columns `question`, `expectation` (`answer` or `refuse`), `expected_source` (the id or the name of a source) and `expected_text`, in any order; commas, semicolons or tabs between them.',
          params: ofSet,
          consumes: ['text/csv'],
          body: z.string().nullish(),
          response: { 201: addedTestCasesSchema, ...problems },
        },
        onRequest,
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const scope = scopeOf(request);
        const { id: testSetId } = await readInProject(ctx, scope, (tx) =>
          findTestSet(tx.db, scope, request.params.testSetId),
        );
        const content = request.body;
        if (content == null)
          throw new AppError('validation_failed', 'The body is missing: send a file as text/csv.');
        const added = await importTestCases(ctx, scope, { testSetId, content });
        return reply.status(201).send(presentAdded(added));
      },
    );
  };

/** At most one page of them comes back. */
const MAX_SHOWN = 100;

function presentAdded(rows: TestCaseRow[]): z.infer<typeof addedTestCasesSchema> {
  return { added: rows.length, data: rows.slice(0, MAX_SHOWN).map(presentTestCase) };
}

function presentTestCase(row: TestCaseRow): z.infer<typeof testCaseSchema> {
  return { ...row, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}
