import { sha256Hex } from '#kernel/hash.js';
import type { Context } from '#platform/context.js';
import type { Caller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { findRefreshTokenOrNull, revokeSession } from './auth.queries.js';

/** Ends the session of a refresh token; an unknown token is no error, since there is nothing left to end. */
export function logoutUser(
  ctx: Pick<Context, 'db' | 'afterCommit' | 'clock'>,
  caller: Caller,
  refreshToken: string,
): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const token = await findRefreshTokenOrNull(tx.db, sha256Hex(refreshToken));
    if (token === null) return;
    await revokeSession(tx.db, token.sessionId, tx.clock.now());
    await recordAudit(tx, caller, {
      projectId: null,
      userId: token.userId,
      action: 'user.logout',
      resourceType: 'session',
      resourceId: token.sessionId,
    });
  });
}
