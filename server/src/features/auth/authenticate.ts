import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { Caller, UserCaller } from '#platform/scope.js';
import { isLabelledApiKey } from '#features/api-keys/api-key.js';
import { authenticateApiKey } from '#features/api-keys/authenticate-api-key.js';
import { verifyAccessToken } from './access-token.js';
import { findLiveSessionUserOrNull } from './auth.queries.js';

/**
 * The user behind an API key that lives, or an access token whose session lives.
 * @throws AppError `unauthenticated`, `token_expired`
 */
export async function authenticate(
  ctx: Pick<Context, 'config' | 'clock' | 'db' | 'log'>,
  caller: Caller,
  token: string,
): Promise<UserCaller> {
  if (isLabelledApiKey(token)) return authenticateApiKey(ctx, caller, token);
  const { userId, sessionId } = await verifyAccessToken(ctx, token);
  const user = await findLiveSessionUserOrNull(ctx.db, { sessionId, userId, now: ctx.clock.now() });
  if (user === null) throw new AppError('unauthenticated', 'The session has ended. Please sign in.');
  return { ...caller, actor: { type: 'user', userId: user.id, role: user.role, sessionId, apiKey: null } };
}
