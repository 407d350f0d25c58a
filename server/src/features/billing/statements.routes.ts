import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { listOf, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { accountOf, requireBillingReader } from './billing.hooks.js';
import { exportInvoices, exportStatements } from './export-statements.js';
import { readStatements } from './read-statements.js';
import { type InvoiceRow, listInvoices } from './statements.queries.js';
import {
  exportStatementsQuery,
  invoiceSchema,
  listInvoicesQuery,
  listStatementsQuery,
  statementSchema,
} from './statements.schemas.js';

const docs = { tags: ['Billing'], security: [{ bearer: [] }] };
/** The body is a stream, which no schema reads. */
const csvSchema = z.unknown().meta({ type: 'string' });
const csvResponse = {
  200: { description: 'CSV', content: { 'text/csv': { schema: csvSchema } } },
  ...problems,
};
const csvDescription =
  'UTF-8 with a header (RFC 4180). What a spreadsheet would take for a formula has an apostrophe before it.';

export const statementRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const onRequest = requireBillingReader(ctx);

    server.get(
      '/v1/billing/statements',
      {
        schema: {
          ...docs,
          summary: 'What each period was under, and what was used and bought in it; newest first',
          description:
            'Of periods in which something was used. There are statements without Stripe, too: what was paid is in the invoices.',
          querystring: listStatementsQuery,
          response: { 200: listOf(statementSchema), ...problems },
        },
        onRequest,
      },
      async (request) => {
        const { limit, cursor, month = null } = request.query;
        return readStatements(ctx, accountOf(request), { month, beforeId: cursorId(cursor), limit });
      },
    );

    server.get(
      '/v1/billing/statements.csv',
      {
        schema: {
          ...docs,
          summary: 'The same as CSV, all of it',
          description: csvDescription,
          querystring: exportStatementsQuery,
          response: csvResponse,
        },
        onRequest,
      },
      async (request, reply) =>
        sendCsv(reply, 'statements', exportStatements(ctx, accountOf(request), request.query.month ?? null)),
    );

    server.get(
      '/v1/billing/invoices',
      {
        schema: {
          ...docs,
          summary: 'Invoices by Stripe, newest first',
          description: 'Without Stripe there are none: see the statements.',
          querystring: listInvoicesQuery,
          response: { 200: listOf(invoiceSchema), ...problems },
        },
        onRequest,
      },
      async (request) => {
        const { limit, cursor } = request.query;
        const filter = { userId: accountOf(request), beforeId: cursorId(cursor), limit };
        const page = pageOf(await listInvoices(ctx.db, filter), limit);
        return { ...page, data: page.data.map(presentInvoice) };
      },
    );

    server.get(
      '/v1/billing/invoices.csv',
      {
        schema: {
          ...docs,
          summary: 'The same as CSV, all of it',
          description: csvDescription,
          response: csvResponse,
        },
        onRequest,
      },
      async (request, reply) => sendCsv(reply, 'invoices', exportInvoices(ctx, accountOf(request))),
    );
  };

function sendCsv(reply: FastifyReply, name: string, lines: AsyncGenerator<string>): FastifyReply {
  return reply
    .type('text/csv; charset=utf-8; header=present')
    .header('content-disposition', `attachment; filename="${name}.csv"`)
    .send(Readable.from(lines));
}

function presentInvoice(invoice: InvoiceRow): z.infer<typeof invoiceSchema> {
  return {
    ...invoice,
    periodStart: invoice.periodStart?.toISOString() ?? null,
    periodEnd: invoice.periodEnd?.toISOString() ?? null,
    createdAt: invoice.createdAt.toISOString(),
  };
}
