import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { Caller, UserCaller } from '#platform/scope.js';
import { hashApiKey, isApiKey } from './api-key.js';
import { type ApiKeyRow, findLiveApiKeyOrNull, updateLastUse } from './api-keys.queries.js';

const NOTE_USE_EVERY_MS = 60_000;

/**
 * The user behind an API key, as the database has it at this moment: nothing is kept, so that a revoked key is dead in
 * every process at once.
 * @throws AppError `unauthenticated`, the same for an unknown, a revoked and an expired key
 */
export async function authenticateApiKey(
  ctx: Pick<Context, 'db' | 'clock' | 'log'>,
  caller: Caller,
  token: string,
): Promise<UserCaller> {
  const now = ctx.clock.now();
  const found = isApiKey(token) ? await findLiveApiKeyOrNull(ctx.db, hashApiKey(token), now) : null;
  if (found === null) {
    throw new AppError('unauthenticated', 'The API key is not valid. Make a new one in your account.');
  }
  const { apiKey, role } = found;
  noteUse(ctx, apiKey, now);
  const grant = { id: apiKey.id, scopes: apiKey.scopes, projectId: apiKey.projectId };
  return { ...caller, actor: { type: 'user', userId: apiKey.userId, role, sessionId: null, apiKey: grant } };
}

/** Beside the request, which neither waits for it nor fails with it: the time of the last use is for people to look at. */
function noteUse(ctx: Pick<Context, 'db' | 'log'>, { id, lastUsedAt }: ApiKeyRow, now: Date): void {
  const notedBefore = new Date(now.getTime() - NOTE_USE_EVERY_MS);
  if (lastUsedAt !== null && lastUsedAt >= notedBefore) return;
  void updateLastUse(ctx.db, { keyId: id, now, notedBefore }).catch((error: unknown) =>
    ctx.log.debug({ err: error, apiKeyId: id }, 'the use of an API key could not be noted'),
  );
}
