import type { Context } from '#platform/context.js';
import type { UserCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { endSessions } from '#features/auth/end-sessions.js';
import { lockUser } from './users.queries.js';

/** Signs an account out everywhere. @throws AppError `not_found` */
export function endUserSessions(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit'>,
  caller: UserCaller,
  userId: string,
): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const { id } = await lockUser(tx.db, userId);
    const endedSessions = await endSessions(tx, id);
    await recordAudit(tx, caller, {
      projectId: null,
      action: 'admin.user.end_sessions',
      resourceType: 'user',
      resourceId: id,
      changes: { endedSessions },
    });
  });
}
