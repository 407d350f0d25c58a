import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Context } from '#platform/context.js';

/**
 * The token that lets a visitor go on with a conversation: an HMAC of its id, so that it is never stored and can be
 * given again. It dies with the conversation.
 */
export function conversationToken(ctx: Pick<Context, 'config'>, conversationId: string): string {
  const digest = createHmac('sha256', ctx.config.jwtSecret).update(`conversation:${conversationId}`).digest();
  return digest.toString('base64url');
}

export function isConversationToken(
  ctx: Pick<Context, 'config'>,
  conversationId: string,
  token: string,
): boolean {
  const expected = Buffer.from(conversationToken(ctx, conversationId));
  const given = Buffer.from(token);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
