import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { Caller, UserCaller } from '#platform/scope.js';
import { verifyAccessToken } from './access-token.js';
import { findLiveSessionUserOrNull } from './auth.queries.js';

/**
 * The user behind an access token whose session still lives.
 * @throws AppError `unauthenticated`, `token_expired`
 */
export async function authenticate(
  ctx: Pick<Context, 'config' | 'clock' | 'db'>,
  caller: Caller,
  token: string,
): Promise<UserCaller> {
  const { userId, sessionId } = await verifyAccessToken(ctx, token);
  const user = await findLiveSessionUserOrNull(ctx.db, { sessionId, userId, now: ctx.clock.now() });
  if (user === null) throw new AppError('unauthenticated', 'The session has ended. Please sign in.');
  return { ...caller, actor: { type: 'user', userId: user.id, sessionId, role: user.role } };
}
