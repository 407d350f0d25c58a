import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Context } from '#platform/context.js';
import { problems } from '#platform/http/schemas.js';
import { requireAdmin } from '#features/auth/auth.hooks.js';
import { gatherStats } from './gather-stats.js';
import { statsSchema } from './stats.schemas.js';

export const adminStatsRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    server.get(
      '/v1/admin/stats',
      {
        schema: {
          tags: ['Administration'],
          security: [{ session: ['admin'] }],
          summary: 'How much there is of everything, and which processes are alive',
          response: { 200: statsSchema, ...problems },
        },
        onRequest: requireAdmin(ctx),
      },
      () => gatherStats(ctx),
    );
  };
