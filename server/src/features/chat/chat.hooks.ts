import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '#platform/context.js';
import { scopeOf } from '#platform/http/caller.js';
import { consumeNamed } from '#platform/http/rate-limit.js';
import { readInProject } from '#platform/transaction.js';
import { findChatProject } from './chat.queries.js';
import type { ChatInput } from './chat.schemas.js';

/** What a question takes of a limit: a premium answer costs an operator many times what one of `mini` does. */
const TIER_COST = { mini: 1, premium: 5 };
/** Long questions cost more: this much more for each so many characters. */
const CHARACTERS_PER_POINT = 2_000;
/** A visitor may ask this part of what its address may: several people sit behind one. */
const VISITOR_PART = 2;

/**
 * Limits what chat costs, on top of the limits of requests: for a user or a key what a user may ask in a window, for
 * visitors what an address may, and half of that for each conversation. A question counts by its tier and length.
 */
export function createChatLimits(ctx: Pick<Context, 'config' | 'limiter' | 'db'>) {
  const { perAddress, perUser, windowMs } = ctx.config.rateLimit;
  const create = (name: string, points: number) => ({
    ...ctx.limiter.createLimit({ name, points, windowMs }),
    name: 'chat',
  });
  const users = create('chat-user', perUser);
  const addresses = create('chat-address', perAddress);
  const visitors = create('chat-visitor', Math.max(1, Math.floor(perAddress / VISITOR_PART)));

  return async (request: FastifyRequest, reply: FastifyReply, input: ChatInput): Promise<void> => {
    const scope = scopeOf(request);
    const { actor } = scope;
    const tier =
      input.model ?? (await readInProject(ctx, scope, (tx) => findChatProject(tx.db, scope))).defaultModel;
    const cost = TIER_COST[tier] * Math.max(1, Math.ceil(input.message.length / CHARACTERS_PER_POINT));
    if (actor.type === 'user') {
      await consumeNamed(users, { key: actor.apiKey?.id ?? actor.userId, cost }, reply);
      return;
    }
    if (input.conversationId !== undefined) {
      const key = `${scope.projectId} ${input.conversationId}`;
      await consumeNamed(visitors, { key, cost }, reply);
    }
    await consumeNamed(addresses, { key: request.ip, cost }, reply);
  };
}
