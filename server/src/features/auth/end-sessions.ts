import type { Context } from '#platform/context.js';
import { revokeSessionsOfUser } from './sessions.queries.js';

/** Ends all sessions of a user: access and refresh tokens are dead at once. @returns how many */
export function endSessions(tx: Pick<Context, 'db' | 'clock'>, userId: string): Promise<number> {
  return revokeSessionsOfUser(tx.db, { userId, exceptId: null, now: tx.clock.now() });
}
