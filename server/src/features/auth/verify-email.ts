import type { Context } from '#platform/context.js';
import type { Caller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { redeemAccountToken } from './account-tokens.js';
import { updateUser } from './auth.queries.js';

/** Notes that an account's address is its owner's. @throws AppError `not_found` for a token that is not valid */
export function verifyEmail(
  ctx: Pick<Context, 'db' | 'afterCommit' | 'clock'>,
  caller: Caller,
  token: string,
): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const userId = await redeemAccountToken(tx, token, 'verify_email');
    await updateUser(tx.db, userId, { emailVerifiedAt: tx.clock.now() });
    await recordAudit(tx, caller, {
      projectId: null,
      userId,
      action: 'user.verify_email',
      resourceType: 'user',
      resourceId: userId,
    });
  });
}
