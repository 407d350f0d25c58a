import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { Context } from '#platform/context.js';
import { listOf, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { readInProject } from '#platform/transaction.js';
import { type BillingEventRow, listBillingEvents } from './events.queries.js';
import { authorizeMetered, requireBillingReader } from './billing.hooks.js';
import { billingEventSchema, listBillingEventsQuery } from './events.schemas.js';
import { readPeriod } from '#features/usage/read-usage.js';

export const billingEventRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    server.get(
      '/v1/billing/events',
      {
        schema: {
          tags: ['Billing'],
          security: [{ bearer: [] }],
          summary: 'The ledger: what was charged, given and paid, and why; newest first',
          description:
            'Lines are added and never changed. Of a project: those of the account that pays for it now. An API key needs the scope `admin`.',
          querystring: listBillingEventsQuery,
          response: { 200: listOf(billingEventSchema), ...problems },
        },
        onRequest: requireBillingReader(ctx),
      },
      async (request) => {
        const { limit, cursor, projectId, type = null, month } = request.query;
        const beforeId = cursorId(cursor);
        const of = await authorizeMetered(ctx, request, projectId);
        const { userId, period } = await readPeriod(ctx, of, month ?? null);
        const filter = {
          userId,
          projectId: of.type === 'project' ? of.scope.projectId : null,
          type,
          period: month === undefined ? null : { ...period, id: period.row?.id ?? null },
          beforeId,
          limit,
        };
        const rows =
          of.type === 'project'
            ? await readInProject(ctx, of.scope, (tx) => listBillingEvents(tx.db, filter))
            : await listBillingEvents(ctx.db, filter);
        const page = pageOf(rows, limit);
        return { ...page, data: page.data.map(presentBillingEvent) };
      },
    );
  };

function presentBillingEvent(event: BillingEventRow): z.infer<typeof billingEventSchema> {
  return { ...event, createdAt: event.createdAt.toISOString() };
}
