import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { scopeOf } from '#platform/http/caller.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { inProjectTransaction, readInProject } from '#platform/transaction.js';
import { allowUser, requireUser } from '#features/auth/auth.hooks.js';
import { requireProject, requireProjectOrVisitor } from '#features/projects/projects.hooks.js';
import { COST_CURRENCY } from '#features/usage/message-cost.js';
import { findConversation, listConversations, listMessages, sumConversationUsage } from './chat.queries.js';
import {
  conversationSchema,
  conversationWithUsageSchema,
  listConversationsQuery,
  listMessagesQuery,
  messageSchema,
  updateConversationBody,
} from './chat.schemas.js';
import { deleteConversation } from './delete-conversation.js';
import { findOwnConversation } from './find-own-conversation.js';
import { presentConversation, presentMessage } from './present-message.js';
import { updateConversation } from './update-conversation.js';

const docs = { tags: ['Conversations'], security: [{ bearer: [] }] };
const params = z.object({ projectId: pathId, conversationId: pathId });

export const conversationRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const mayRead = [requireUser(ctx), requireProject(ctx, 'conversations:read')];
    const mayWrite = [requireUser(ctx), requireProject(ctx, 'conversations:write')];

    server.get(
      '/v1/projects/:projectId/conversations',
      {
        schema: {
          ...docs,
          summary: 'List conversations, newest first',
          params: z.object({ projectId: pathId }),
          querystring: listConversationsQuery,
          response: { 200: listOf(conversationSchema), ...problems },
        },
        onRequest: mayRead,
      },
      async (request) => {
        const { limit, cursor, status = null, q = null } = request.query;
        const filter = { status, text: q, beforeId: cursorId(cursor), limit };
        const page = pageOf(
          await inProjectTransaction(ctx, scopeOf(request), (tx) =>
            listConversations(tx.db, scopeOf(request), filter),
          ),
          limit,
        );
        return { ...page, data: page.data.map(presentConversation) };
      },
    );

    server.get(
      '/v1/projects/:projectId/conversations/:conversationId',
      {
        schema: {
          ...docs,
          summary: 'Read a conversation',
          params,
          response: { 200: conversationWithUsageSchema, ...problems },
        },
        onRequest: mayRead,
      },
      async (request) => {
        const { conversationId } = request.params;
        const scope = scopeOf(request);
        return inProjectTransaction(ctx, scope, async (tx) => {
          const conversation = presentConversation(await findConversation(tx.db, scope, conversationId));
          const usage = await sumConversationUsage(tx.db, scope, conversationId);
          return { ...conversation, ...usage, currency: COST_CURRENCY };
        });
      },
    );

    server.patch(
      '/v1/projects/:projectId/conversations/:conversationId',
      {
        schema: {
          ...docs,
          summary: 'Open or close a conversation',
          params,
          body: updateConversationBody,
          response: { 200: conversationSchema, ...problems },
        },
        onRequest: mayWrite,
      },
      async (request) => {
        const { conversationId } = request.params;
        return presentConversation(
          await updateConversation(ctx, scopeOf(request), conversationId, request.body),
        );
      },
    );

    server.delete(
      '/v1/projects/:projectId/conversations/:conversationId',
      {
        schema: {
          ...docs,
          summary: 'Delete a conversation with its messages',
          params,
          response: { 204: z.null(), ...problems },
        },
        onRequest: mayWrite,
      },
      async (request, reply) => {
        await deleteConversation(ctx, scopeOf(request), request.params.conversationId);
        return reply.status(204).send(null);
      },
    );

    server.get(
      '/v1/projects/:projectId/conversations/:conversationId/messages',
      {
        schema: {
          tags: docs.tags,
          security: [{ bearer: [] }, {}],
          summary: 'Read the messages of a conversation, oldest first',
          description: 'A visitor sends the token of its conversation in the header `Conversation-Token`.',
          params,
          querystring: listMessagesQuery,
          headers: z.object({ 'conversation-token': z.string().optional() }),
          response: { 200: listOf(messageSchema), ...problems },
        },
        onRequest: [allowUser(ctx), requireProjectOrVisitor(ctx, 'conversations:read')],
      },
      async (request) => {
        const scope = scopeOf(request);
        const { limit, cursor } = request.query;
        const rows = await readInProject(ctx, scope, async (tx) => {
          const conversation = await findOwnConversation(tx, scope, {
            conversationId: request.params.conversationId,
            conversationToken: request.headers['conversation-token'] ?? null,
          });
          const filter = { conversationId: conversation.id, afterId: cursorId(cursor), limit };
          return listMessages(tx.db, scope, filter);
        });
        const page = pageOf(rows, limit);
        const isMember = scope.memberRole !== null;
        const data = page.data.map((row) => presentMessage(row, isMember ? row.feedback : null));
        return { ...page, data };
      },
    );
  };
