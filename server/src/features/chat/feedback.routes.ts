import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { scopeOf } from '#platform/http/caller.js';
import { clientGone } from '#platform/http/event-stream.js';
import { idempotent } from '#platform/http/idempotency.js';
import { pathId, problems } from '#platform/http/schemas.js';
import { allowUser, requireUser } from '#features/auth/auth.hooks.js';
import { requireProject, requireProjectOrVisitor } from '#features/projects/projects.hooks.js';
import { answerSettingsSchema } from './answer-settings.js';
import { feedbackBody, replaySchema } from './chat.schemas.js';
import { presentMessage, presentResponse } from './present-message.js';
import { rateMessage } from './rate-message.js';
import { replayMessage } from './replay-message.js';

const params = z.object({ projectId: pathId, messageId: pathId });

export const feedbackRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    server.post(
      '/v1/projects/:projectId/messages/:messageId/feedback',
      {
        schema: {
          tags: ['Conversations'],
          security: [{ bearer: [] }, {}],
          summary: 'Rate an answer',
          description:
            'A later rating replaces the one before. A visitor sends the token of its conversation in the body or in the header `Conversation-Token`.',
          params,
          headers: z.object({ 'conversation-token': z.string().optional() }),
          body: feedbackBody,
          response: { 204: z.null(), ...problems },
        },
        onRequest: [allowUser(ctx), requireProjectOrVisitor(ctx, 'chat')],
      },
      async (request, reply) => {
        const { conversationToken, ...feedback } = request.body;
        await rateMessage(ctx, scopeOf(request), {
          ...feedback,
          messageId: request.params.messageId,
          conversationToken: conversationToken ?? request.headers['conversation-token'] ?? null,
        });
        return reply.status(204).send(null);
      },
    );

    server.post(
      '/v1/projects/:projectId/messages/:messageId/replay',
      {
        schema: {
          tags: ['Evaluation'],
          security: [{ bearer: [] }],
          summary: 'Answer a question of a conversation once more, under other settings',
          description:
            'From the sources as they are now, with the messages before it. Settings that are not named are the project’s own. Nothing is added to the conversation; the model’s provider charges for the answer.',
          params,
          body: answerSettingsSchema.nullish(),
          response: { 200: replaySchema, ...problems },
        },
        onRequest: [requireUser(ctx), requireProject(ctx, 'evaluation:write')],
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const input = { messageId: request.params.messageId, settings: request.body ?? {} };
        const { original, replay } = await replayMessage(ctx, scopeOf(request), input, clientGone(reply));
        return { original: presentMessage(original, original.feedback), replay: presentResponse(replay) };
      },
    );
  };
