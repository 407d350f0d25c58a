import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { pathId, problems } from '#platform/http/schemas.js';
import { requireAdmin } from '#features/auth/auth.hooks.js';
import { authorizeMetered, requireBillingReader } from '#features/billing/billing.hooks.js';
import { presentDailyUsage, presentUsage } from './present-usage.js';
import { type Metered, readDailyUsage, readUsage } from './read-usage.js';
import { dailyUsageSchema, ofMonthQuery, usageQuery, usageSchema } from './usage.schemas.js';

const docs = { tags: ['Usage'], security: [{ bearer: [] }] };

export const usageRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const onRequest = requireBillingReader(ctx);

    server.get(
      '/v1/usage',
      {
        schema: {
          ...docs,
          summary: 'What was used in a period, and of what',
          description:
            'Of your account, or of one project for its owners: then `used` and `cost` are the project’s, and limits and credits those of the account that pays for it. A month in which nothing happened has zeros; one that has not begun, or is older than the account, is 404. An API key needs the scope `admin`.',
          querystring: usageQuery,
          response: { 200: usageSchema, ...problems },
        },
        onRequest,
      },
      async (request) => {
        const { projectId, month = null } = request.query;
        const of = await authorizeMetered(ctx, request, projectId);
        return presentUsage(of, await readUsage(ctx, of, month));
      },
    );

    server.get(
      '/v1/usage/daily',
      {
        schema: {
          ...docs,
          summary: 'The same by day, for charts',
          description: 'Every day of the period in UTC, from the ledger. The days add up to the period.',
          querystring: usageQuery,
          response: { 200: dailyUsageSchema, ...problems },
        },
        onRequest,
      },
      async (request) => {
        const { projectId, month = null } = request.query;
        const of = await authorizeMetered(ctx, request, projectId);
        return presentDailyUsage(of, await readDailyUsage(ctx, of, month));
      },
    );

    server.get(
      '/v1/admin/users/:userId/usage',
      {
        schema: {
          tags: ['Administration'],
          security: [{ session: ['admin'] }],
          summary: 'What an account has used in a period',
          params: z.object({ userId: pathId }),
          querystring: ofMonthQuery,
          response: { 200: usageSchema, ...problems },
        },
        onRequest: requireAdmin(ctx),
      },
      async (request) => {
        const of: Metered = { type: 'account', userId: request.params.userId };
        return presentUsage(of, await readUsage(ctx, of, request.query.month ?? null));
      },
    );
  };
