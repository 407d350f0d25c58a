import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { userOf } from '#platform/http/caller.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import type { JobRegistry } from '#platform/jobs/job-registry.js';
import { isRetryable } from '#platform/jobs/retry-job.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { requireAdmin } from '#features/auth/auth.hooks.js';
import { controlJob } from './control-job.js';
import { type ShownJob, findJob, listJobs } from './jobs.queries.js';
import { jobSchema, listJobsQuery } from './jobs.schemas.js';

const docs = { tags: ['Administration'], security: [{ session: ['admin'] }] };
const params = z.object({ jobId: pathId });

export const adminJobRoutes =
  (ctx: Context, registry: JobRegistry): FastifyPluginAsyncZod =>
  async (server) => {
    const onRequest = requireAdmin(ctx);
    const present = (job: ShownJob) => presentJob(job, isRetryable(registry, job));

    server.get(
      '/v1/admin/jobs',
      {
        schema: {
          ...docs,
          summary: 'List jobs, newest first',
          querystring: listJobsQuery,
          response: { 200: listOf(jobSchema), ...problems },
        },
        onRequest,
      },
      async (request) => {
        const { limit, cursor, status = null, type = null, projectId = null } = request.query;
        const filter = { status, type, projectId, beforeId: cursorId(cursor), limit };
        const page = pageOf(await listJobs(ctx.db, filter), limit);
        return { ...page, data: page.data.map(present) };
      },
    );

    server.get(
      '/v1/admin/jobs/:jobId',
      {
        schema: { ...docs, summary: 'Read a job', params, response: { 200: jobSchema, ...problems } },
        onRequest,
      },
      async (request) => present(await findJob(ctx.db, request.params.jobId)),
    );

    server.post(
      '/v1/admin/jobs/:jobId/retry',
      {
        schema: {
          ...docs,
          summary: 'Run a failed or cancelled job once more',
          description:
            'It gets all its attempts again. 409 where it has not failed, where another job is doing the same, or where it would do nothing by itself (`isRetryable`): sync the source of a page instead.',
          params,
          response: { 200: jobSchema, ...problems },
        },
        onRequest,
      },
      async (request) => {
        const { jobId } = request.params;
        return present(await controlJob(ctx, userOf(request), { registry, jobId, act: 'retry' }));
      },
    );

    server.post(
      '/v1/admin/jobs/:jobId/cancel',
      {
        schema: {
          ...docs,
          summary: 'Stop a job',
          description:
            'A queued job ends at once. A running one has `cancelRequestedAt` and ends within about two seconds. 409 where it has ended.',
          params,
          response: { 200: jobSchema, ...problems },
        },
        onRequest,
      },
      async (request) => {
        const { jobId } = request.params;
        return present(await controlJob(ctx, userOf(request), { registry, jobId, act: 'cancel' }));
      },
    );
  };

function presentJob(job: ShownJob, isRetryableNow: boolean): z.infer<typeof jobSchema> {
  const { id, type, projectId, status, attempts, maxAttempts, lockedBy, error, progress } = job;
  return {
    id,
    type,
    projectId,
    status,
    attempts,
    maxAttempts,
    runAt: job.runAt.toISOString(),
    lockedBy,
    lockedUntil: job.lockedUntil?.toISOString() ?? null,
    cancelRequestedAt: job.cancelRequestedAt?.toISOString() ?? null,
    error,
    progress,
    isRetryable: isRetryableNow,
    createdAt: job.createdAt.toISOString(),
    finishedAt: job.finishedAt?.toISOString() ?? null,
  };
}
