import { Readable } from 'node:stream';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { scopeOf } from '#platform/http/caller.js';
import { idempotent } from '#platform/http/idempotency.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { allowUser, requireUser } from '#features/auth/auth.hooks.js';
import { requireProject, requireProjectOrVisitor } from '#features/projects/projects.hooks.js';
import { createLead } from './create-lead.js';
import { deleteLead } from './delete-lead.js';
import { exportLeads } from './export-leads.js';
import { findLead, listLeads } from './leads.queries.js';
import { createLeadBody, leadSchema, listLeadsQuery } from './leads.schemas.js';
import { presentLead, presentOwnLead } from './present-lead.js';

const docs = { tags: ['Leads'], security: [{ bearer: [] }] };
const ofProject = z.object({ projectId: pathId });
/** The body is a stream, which no schema reads. */
const csvSchema = z.unknown().meta({ type: 'string' });
const params = z.object({ projectId: pathId, leadId: pathId });

export const leadRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const mayRead = [requireUser(ctx), requireProject(ctx, 'leads:read')];

    server.post(
      '/v1/projects/:projectId/leads',
      {
        schema: {
          tags: docs.tags,
          security: [{ bearer: [] }, {}],
          summary: 'Leave a way to be reached',
          description:
            'An e-mail address or a phone is needed. A project has one lead of an address: what is said anew replaces what was said before. A visitor gets back what it sent and the id of the lead, and nothing that is stored of others.',
          params: ofProject,
          body: createLeadBody,
          response: { 201: leadSchema, ...problems },
        },
        onRequest: [allowUser(ctx), requireProjectOrVisitor(ctx, 'leads:write')],
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const scope = scopeOf(request);
        const lead = await createLead(ctx, scope, request.body);
        const isMember = scope.memberRole !== null;
        return reply.status(201).send(isMember ? presentLead(lead) : presentOwnLead(lead, request.body));
      },
    );

    server.get(
      '/v1/projects/:projectId/leads',
      {
        schema: {
          ...docs,
          summary: 'List leads, newest first',
          description: '`q`: a part of the e-mail address, the name or the phone.',
          params: ofProject,
          querystring: listLeadsQuery,
          response: { 200: listOf(leadSchema), ...problems },
        },
        onRequest: mayRead,
      },
      async (request) => {
        const { limit, cursor, q = null } = request.query;
        const filter = { text: q, beforeId: cursorId(cursor), limit };
        const page = pageOf(
          await inProjectTransaction(ctx, scopeOf(request), (tx) =>
            listLeads(tx.db, scopeOf(request), filter),
          ),
          limit,
        );
        return { ...page, data: page.data.map(presentLead) };
      },
    );

    server.get(
      '/v1/projects/:projectId/leads.csv',
      {
        schema: {
          ...docs,
          summary: 'All leads as CSV, newest first',
          description:
            'UTF-8 with a header (RFC 4180). What a spreadsheet would take for a formula has an apostrophe before it.',
          params: ofProject,
          response: {
            200: { description: 'The leads', content: { 'text/csv': { schema: csvSchema } } },
            ...problems,
          },
        },
        onRequest: mayRead,
      },
      async (request, reply) =>
        reply
          .type('text/csv; charset=utf-8; header=present')
          .header('content-disposition', 'attachment; filename="leads.csv"')
          .send(Readable.from(exportLeads(ctx, scopeOf(request)))),
    );

    server.get(
      '/v1/projects/:projectId/leads/:leadId',
      {
        schema: { ...docs, summary: 'Read a lead', params, response: { 200: leadSchema, ...problems } },
        onRequest: mayRead,
      },
      async (request) =>
        presentLead(
          await inProjectTransaction(ctx, scopeOf(request), (tx) =>
            findLead(tx.db, scopeOf(request), request.params.leadId),
          ),
        ),
    );

    server.delete(
      '/v1/projects/:projectId/leads/:leadId',
      {
        schema: { ...docs, summary: 'Delete a lead', params, response: { 204: z.null(), ...problems } },
        onRequest: [requireUser(ctx), requireProject(ctx, 'leads:write')],
      },
      async (request, reply) => {
        await deleteLead(ctx, scopeOf(request), request.params.leadId);
        return reply.status(204).send(null);
      },
    );
  };
