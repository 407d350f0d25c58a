import type { Context } from '#platform/context.js';
import { deleteEndedApiKeys } from '#features/api-keys/delete-ended-api-keys.js';
import { deleteExpiredAccountTokens } from './account-tokens.queries.js';
import { deleteEndedSessions, deleteExpiredRefreshTokens } from './auth.queries.js';

/** A token that is used again after its family ended is told from an unknown one for this long. */
const KEEP_MS = 30 * 24 * 3_600_000;

/** Deletes sessions, refresh tokens, tokens of mails and API keys that ended long ago. @returns how many rows */
export async function deleteExpiredTokens(ctx: Pick<Context, 'db' | 'clock'>): Promise<number> {
  const endedBefore = new Date(ctx.clock.now().getTime() - KEEP_MS);
  const sessions = await deleteEndedSessions(ctx.db, endedBefore);
  const mailed = await deleteExpiredAccountTokens(ctx.db, endedBefore);
  const keys = await deleteEndedApiKeys(ctx);
  return sessions + mailed + keys + (await deleteExpiredRefreshTokens(ctx.db, endedBefore));
}
