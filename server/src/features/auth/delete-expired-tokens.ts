import type { Context } from '#platform/context.js';
<<<<<<< HEAD
import { deleteExpiredAccountTokens } from './account-tokens.queries.js';
=======
import { deleteEndedApiKeys } from '#features/api-keys/delete-ended-api-keys.js';
>>>>>>> f7485d6 (feat(api-keys): rows of ended keys go after thirty days; docs)
import { deleteEndedSessions, deleteExpiredRefreshTokens } from './auth.queries.js';

/** A token that is used again after its family ended is told from an unknown one for this long. */
const KEEP_MS = 30 * 24 * 3_600_000;

<<<<<<< HEAD
/** Deletes sessions, refresh tokens and tokens of mails that ended long ago. @returns how many rows */
export async function deleteExpiredTokens(ctx: Pick<Context, 'db' | 'clock'>): Promise<number> {
  const endedBefore = new Date(ctx.clock.now().getTime() - KEEP_MS);
  const sessions = await deleteEndedSessions(ctx.db, endedBefore);
  const mailed = await deleteExpiredAccountTokens(ctx.db, endedBefore);
  return sessions + mailed + (await deleteExpiredRefreshTokens(ctx.db, endedBefore));
=======
/** Deletes sessions, refresh tokens and API keys that ended long ago. @returns how many rows */
export async function deleteExpiredTokens(ctx: Pick<Context, 'db' | 'clock'>): Promise<number> {
  const endedBefore = new Date(ctx.clock.now().getTime() - KEEP_MS);
  const sessions = await deleteEndedSessions(ctx.db, endedBefore);
  const refreshTokens = await deleteExpiredRefreshTokens(ctx.db, endedBefore);
  return sessions + refreshTokens + (await deleteEndedApiKeys(ctx));
>>>>>>> f7485d6 (feat(api-keys): rows of ended keys go after thirty days; docs)
}
