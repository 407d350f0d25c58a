import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { scopeOf } from '#platform/http/caller.js';
import { idempotent } from '#platform/http/idempotency.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { inProjectTransaction, readInProject } from '#platform/transaction.js';
import { requireUser } from '#features/auth/auth.hooks.js';
import { answerSettingsSchema } from '#features/chat/answer-settings.js';
import { requireProject } from '#features/projects/projects.hooks.js';
import { deleteRun } from './delete-run.js';
import { presentCaseResult, presentRun } from './present-run.js';
import { findRun, listEvaluatedCases, listResultsOfCases, listRuns } from './runs.queries.js';
import { caseResultSchema, listResultsQuery, listRunsQuery, runSchema } from './runs.schemas.js';
import { startRun } from './start-run.js';
import { findTestSet } from './test-sets.queries.js';

const docs = { tags: ['Evaluation'], security: [{ bearer: [] }] };
const ofSet = z.object({ projectId: pathId, testSetId: pathId });
const params = z.object({ projectId: pathId, testSetId: pathId, runId: pathId });

const MAX_VARIANTS = 2;

const startRunBody = z
  .strictObject({
    variants: z.array(answerSettingsSchema).min(1).max(MAX_VARIANTS).optional().meta({
      description:
        'One variant, or two to compare. Each names what differs from the project’s settings; `{}` is the project as it is.',
    }),
  })
  .meta({ id: 'StartEvaluationRun' });

export const evaluationRunRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const mayRead = [requireUser(ctx), requireProject(ctx, 'evaluation:read')];
    const mayWrite = [requireUser(ctx), requireProject(ctx, 'evaluation:write')];

    server.post(
      '/v1/projects/:projectId/test-sets/:testSetId/runs',
      {
        schema: {
          ...docs,
          summary: 'Run a test set in the background, under one or two variants of the settings',
          description:
            'Every question is answered as a visitor’s would be, and no conversation is stored. The model’s provider charges for the answers.',
          params: ofSet,
          body: startRunBody.nullish(),
          response: { 202: runSchema, ...problems },
        },
        onRequest: mayWrite,
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const { testSetId } = request.params;
        const { variants } = request.body ?? {};
        const run = await startRun(ctx, scopeOf(request), { testSetId, variants });
        return reply.status(202).send(presentRun(run));
      },
    );

    server.get(
      '/v1/projects/:projectId/test-sets/:testSetId/runs',
      {
        schema: {
          ...docs,
          summary: 'List the runs of a test set, newest first',
          params: ofSet,
          querystring: listRunsQuery,
          response: { 200: listOf(runSchema), ...problems },
        },
        onRequest: mayRead,
      },
      async (request) => {
        const scope = scopeOf(request);
        const { limit, cursor } = request.query;
        const rows = await readInProject(ctx, scope, async (tx) => {
          const { id: testSetId } = await findTestSet(tx.db, scope, request.params.testSetId);
          return listRuns(tx.db, scope, { testSetId, beforeId: cursorId(cursor), limit });
        });
        const page = pageOf(rows, limit);
        return { ...page, data: page.data.map(presentRun) };
      },
    );

    server.get(
      '/v1/projects/:projectId/test-sets/:testSetId/runs/:runId',
      {
        schema: {
          ...docs,
          summary: 'Read a run: its progress, and its figures when it is complete',
          params,
          response: { 200: runSchema, ...problems },
        },
        onRequest: mayRead,
      },
      async (request) =>
        presentRun(
          await inProjectTransaction(ctx, scopeOf(request), (tx) =>
            findRun(tx.db, scopeOf(request), request.params),
          ),
        ),
    );

    server.get(
      '/v1/projects/:projectId/test-sets/:testSetId/runs/:runId/results',
      {
        schema: {
          ...docs,
          summary: 'List what each case gave, the variants side by side',
          params,
          querystring: listResultsQuery,
          response: { 200: listOf(caseResultSchema), ...problems },
        },
        onRequest: mayRead,
      },
      async (request) => {
        const scope = scopeOf(request);
        const { limit, cursor, different } = request.query;
        const { page, rows } = await readInProject(ctx, scope, async (tx) => {
          const { id: runId } = await findRun(tx.db, scope, request.params);
          const filter = { runId, isDifferent: different === 'true', beforeId: cursorId(cursor), limit };
          const cases = pageOf(await listEvaluatedCases(tx.db, scope, filter), limit);
          const caseIds = cases.data.map(({ id }) => id);
          return { page: cases, rows: await listResultsOfCases(tx.db, scope, { runId, caseIds }) };
        });
        const data = page.data.map((entry) =>
          presentCaseResult(
            entry,
            rows.filter(({ testCaseId }) => testCaseId === entry.id),
          ),
        );
        return { ...page, data };
      },
    );

    server.delete(
      '/v1/projects/:projectId/test-sets/:testSetId/runs/:runId',
      {
        schema: {
          ...docs,
          summary: 'Delete a run with its results; one that is under way stops',
          params,
          response: { 204: z.null(), ...problems },
        },
        onRequest: mayWrite,
      },
      async (request, reply) => {
        await deleteRun(ctx, scopeOf(request), request.params);
        return reply.status(204).send(null);
      },
    );
  };
