import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import { sha256Hex } from '#kernel/hash.js';
import type { Context } from '#platform/context.js';
import { allowedReader } from '#platform/http/allowed-reader.js';
import { scopeOf } from '#platform/http/caller.js';
import { clientGone, sendEventStream } from '#platform/http/event-stream.js';
import { type IdempotencyClaim, beginIdempotent, replay } from '#platform/http/idempotency.js';
import { pathId, problems } from '#platform/http/schemas.js';
import type { StreamEvent } from '#platform/ports/live-streams.js';
import { readInProject } from '#platform/transaction.js';
import { allowUser } from '#features/auth/auth.hooks.js';
import { requireProjectOrVisitor } from '#features/projects/projects.hooks.js';
import { type AnswerEvent, answerMessage } from './answer-message.js';
import { chatAnswerOf, isCutShort, numberEvents, replayEvents } from './answer-stream.js';
import { createChatLimits } from './chat.hooks.js';
import { findMessage } from './chat.queries.js';
import {
  type ChatAnswer,
  type ChatInput,
  chatAnswerSchema,
  chatBody,
  conversationTokenSchema,
} from './chat.schemas.js';
import { findOwnMessage } from './find-own-message.js';
import { followAnswer } from './follow-answer.js';

const docs = { tags: ['Chat'], security: [{ bearer: [] }, {}] };
const RETRY_SECONDS = '5';
const STOP_RETRY_SECONDS = 2;
const params = z.object({ projectId: pathId, messageId: pathId });
const headers = z.object({
  'last-event-id': z.coerce.number().int().min(0).optional().catch(undefined),
  'conversation-token': z
    .string()
    .optional()
    .meta({ description: 'A visitor’s token, as its first answer carried it.' }),
});

export const chatRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const limitCost = createChatLimits(ctx);
    const mayChat = [allowUser(ctx), requireProjectOrVisitor(ctx, 'chat')];

    server.post(
      '/v1/projects/:projectId/chat',
      {
        schema: {
          ...docs,
          summary: 'Ask, and get an answer with citations',
          description:
            'With `stream: true` the answer comes as server-sent events `start`, `delta`, `citations`, `done` or `error`. It runs on when the reader leaves, and can be resumed. A reader whose credential dies gets its problem as `error` within two seconds.',
          params: z.object({ projectId: pathId }),
          body: chatBody,
          response: { 200: chatAnswerSchema, ...problems },
        },
        onRequest: mayChat,
      },
      async (request, reply) => {
        await limitCost(request, reply, request.body);
        const requestHash = sha256Hex(JSON.stringify(request.body));
        const state = await beginIdempotent(ctx, request, requestHash);
        const isStream = request.body.stream === true;
        if (state.type === 'replay') {
          const answer = JSON.parse(state.body) as ChatAnswer;
          // Gone with its conversation: a kept answer must not outlive it.
          await readInProject(ctx, scopeOf(request), (tx) =>
            findMessage(tx.db, scopeOf(request), answer.message.id),
          );
          if (!isStream) return replay(reply, state);
          reply.header('idempotency-replayed', 'true');
          return sendEventStream(reply, asAsync(replayEvents(answer, 0)));
        }
        const claim = state.type === 'first' ? state.claim : null;
        const turn = await startTurn(ctx, request, request.body, claim);
        const reader = allowedReader(request, reply, mayChat);
        const live = await ctx.streams.read(turn.messageId, 0, reader.signal);
        if (live === null) throw new Error('a stream that was just started is not there');
        const events = reader.read(live, 0);
        if (isStream) return sendEventStream(reply, events);
        const gone = clientGone(reply);
        const stop = () => void ctx.streams.stop(turn.messageId);
        if (gone.aborted) stop();
        gone.addEventListener('abort', stop, { once: true });
        return sendWhole(ctx, reply, scopeOf(request), turn.messageId, events);
      },
    );

    server.get(
      '/v1/projects/:projectId/chat/:messageId/stream',
      {
        schema: {
          ...docs,
          summary: 'Resume the stream of an answer after `Last-Event-ID`',
          description: '204 when there is nothing more.',
          params,
          headers,
        },
        onRequest: mayChat,
      },
      async (request, reply) => {
        const message = await readInProject(ctx, scopeOf(request), (tx) =>
          findOwnMessage(tx, scopeOf(request), {
            messageId: request.params.messageId,
            conversationToken: request.headers['conversation-token'] ?? null,
          }),
        );
        if (message.role === 'user') return reply.status(204).send();
        const afterSequence = request.headers['last-event-id'] ?? 0;
        if (message.status === 'streaming' || isCutShort(message, afterSequence)) {
          const reader = allowedReader(request, reply, mayChat);
          const answer = { messageId: message.id, afterSequence, requestId: request.id };
          const events = followAnswer(ctx, scopeOf(request), answer, reader.signal);
          return sendEventStream(reply, reader.read(events, afterSequence));
        }
        const rest = [...replayEvents(chatAnswerOf(ctx, message), afterSequence)];
        if (rest.length === 0) return reply.status(204).send();
        return sendEventStream(reply, asAsync(rest));
      },
    );

    server.post(
      '/v1/projects/:projectId/chat/:messageId/stop',
      {
        schema: {
          ...docs,
          summary: 'Stop an answer; what there is of it is kept',
          params,
          headers,
          body: z.strictObject({ conversationToken: conversationTokenSchema.optional() }).nullish(),
          response: { 204: z.null(), ...problems },
        },
        onRequest: mayChat,
      },
      async (request, reply) => {
        const token = request.body?.conversationToken ?? request.headers['conversation-token'] ?? null;
        const { messageId } = request.params;
        const message = await readInProject(ctx, scopeOf(request), (tx) =>
          findOwnMessage(tx, scopeOf(request), { messageId, conversationToken: token }),
        );
        if (message.status === 'streaming') await stopAnswer(ctx, scopeOf(request), message.id);
        return reply.status(204).send(null);
      },
    );
  };

/** Opens the turn, so that its errors are still problems, and leaves the rest to run by itself. */
async function startTurn(
  ctx: Context,
  request: FastifyRequest,
  input: ChatInput,
  claim: IdempotencyClaim | null,
): Promise<{ messageId: string }> {
  const stop = new AbortController();
  const events = answerMessage(ctx, scopeOf(request), input, stop.signal);
  try {
    const first = await events.next();
    if (first.done === true || first.value.type !== 'start') throw new Error('an answer did not start');
    const { messageId } = first.value;
    const kept = keepAnswer(ctx, events, first.value, claim);
    ctx.streams.start(messageId, numberEvents(kept, request.id), stop);
    return { messageId };
  } catch (error) {
    await claim?.release();
    throw error;
  }
}

/** Stores a whole answer under its idempotency key before its last event goes out; one that was cut may be asked again. */
async function* keepAnswer(
  ctx: Context,
  events: AsyncIterable<AnswerEvent>,
  first: AnswerEvent,
  claim: IdempotencyClaim | null,
): AsyncGenerator<AnswerEvent> {
  yield first;
  for await (const event of events) {
    const isKept = event.type === 'done' && event.message.status === 'complete';
    try {
      if (isKept) {
        await claim?.store(200, JSON.stringify(chatAnswerOf(ctx, event.message)));
      } else if (event.type === 'done' || event.type === 'error') {
        await claim?.release();
      }
    } catch (error) {
      ctx.log.warn({ err: error }, 'an answer could not be kept for its Idempotency-Key');
    }
    yield event;
  }
}

async function sendWhole(
  ctx: Context,
  reply: FastifyReply,
  scope: ReturnType<typeof scopeOf>,
  messageId: string,
  events: AsyncIterable<StreamEvent>,
): Promise<FastifyReply> {
  for await (const event of events) {
    if (event.name === 'error') {
      const problem = event.data as { status: number };
      if (problem.status === 503) reply.header('retry-after', RETRY_SECONDS);
      return reply
        .status(problem.status)
        .type('application/problem+json')
        .serializer(JSON.stringify)
        .send(problem);
    }
  }
  const message = await readInProject(ctx, scope, (tx) => findMessage(tx.db, scope, messageId));
  return reply.send(chatAnswerOf(ctx, message));
}

/** @throws AppError `unavailable` when the process that writes the answer cannot be reached */
async function stopAnswer(ctx: Context, scope: ReturnType<typeof scopeOf>, messageId: string): Promise<void> {
  if (await ctx.streams.stop(messageId)) return;
  const { status } = await readInProject(ctx, scope, (tx) => findMessage(tx.db, scope, messageId));
  if (status !== 'streaming') return;
  throw new AppError('unavailable', 'The answer is written elsewhere, and cannot be stopped at the moment.', {
    retryAfterSeconds: STOP_RETRY_SECONDS,
  });
}

async function* asAsync(events: Iterable<StreamEvent>): AsyncGenerator<StreamEvent> {
  yield* events;
}
