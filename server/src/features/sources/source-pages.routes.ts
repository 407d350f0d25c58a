import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { scopeOf } from '#platform/http/caller.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { readInProject } from '#platform/transaction.js';
import { requireUser } from '#features/auth/auth.hooks.js';
import { requireProject } from '#features/projects/projects.hooks.js';
import { type SourcePageRow, listSourcePages } from './source-pages.queries.js';
import { findSource } from './sources.queries.js';
import { listPagesQuery, pageSchema } from './sources.schemas.js';

export const sourcePageRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    server.get(
      '/v1/projects/:projectId/sources/:sourceId/pages',
      {
        schema: {
          tags: ['Sources'],
          security: [{ bearer: [] }],
          summary: 'List every address or file of a source, with why it is or is not indexed',
          params: z.object({ projectId: pathId, sourceId: pathId }),
          querystring: listPagesQuery,
          response: { 200: listOf(pageSchema), ...problems },
        },
        onRequest: [requireUser(ctx), requireProject(ctx, 'sources:read')],
      },
      async (request) => {
        const scope = scopeOf(request);
        const { limit, cursor, status = null } = request.query;
        const rows = await readInProject(ctx, scope, async (tx) => {
          const { id: sourceId } = await findSource(tx.db, scope, request.params.sourceId);
          return listSourcePages(tx.db, scope, { sourceId, status, beforeId: cursorId(cursor), limit });
        });
        const page = pageOf(rows, limit);
        return { ...page, data: page.data.map(presentPage) };
      },
    );
  };

/** A page that waits for its visit shows no reason: that of the last one is kept for comparison alone. */
function presentPage(row: SourcePageRow): z.infer<typeof pageSchema> {
  const isWaiting = row.status === 'queued';
  return {
    ...row,
    reason: isWaiting ? null : row.reason,
    detail: isWaiting ? null : row.detail,
    visitedAt: row.visitedAt?.toISOString() ?? null,
  };
}
