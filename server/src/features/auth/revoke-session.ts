import type { Context } from '#platform/context.js';
import type { UserCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { revokeSession as revokeSessionRow } from './auth.queries.js';
import { findSessionOfUser } from './sessions.queries.js';

/** Signs one of the caller's devices out, its own too. @throws AppError `not_found` */
export function revokeSession(
  ctx: Pick<Context, 'db' | 'afterCommit' | 'clock'>,
  caller: UserCaller,
  sessionId: string,
): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const now = tx.clock.now();
    await findSessionOfUser(tx.db, { sessionId, userId: caller.actor.userId, now });
    await revokeSessionRow(tx.db, sessionId, now);
    await recordAudit(tx, caller, {
      projectId: null,
      action: 'session.revoke',
      resourceType: 'session',
      resourceId: sessionId,
      changes: { reason: 'asked_for' },
    });
  });
}
