import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { scopeOf } from '#platform/http/caller.js';
import { pathId, problems } from '#platform/http/schemas.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { requireUser } from '#features/auth/auth.hooks.js';
import { requireProject } from '#features/projects/projects.hooks.js';
import { type MessageTrace, storedTraceSchema } from './trace.schemas.js';
import { findTrace } from './traces.queries.js';

export const traceRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    server.get(
      '/v1/projects/:projectId/messages/:messageId/trace',
      {
        schema: {
          tags: ['Conversations'],
          security: [{ bearer: [] }],
          summary: 'Read how an answer came about',
          description:
            'What was searched for and found, how it was ordered, what decided, what the model was shown, and what it all took. 404 for questions, and for answers that broke off before they had one.',
          params: z.object({ projectId: pathId, messageId: pathId }),
          response: { 200: storedTraceSchema, ...problems },
        },
        onRequest: [requireUser(ctx), requireProject(ctx, 'conversations:read')],
      },
      async (request) => {
        const row = await inProjectTransaction(ctx, scopeOf(request), (tx) =>
          findTrace(tx.db, scopeOf(request), request.params.messageId),
        );
        const trace = row.trace as MessageTrace;
        return { ...trace, messageId: row.messageId, createdAt: row.createdAt.toISOString() };
      },
    );
  };
