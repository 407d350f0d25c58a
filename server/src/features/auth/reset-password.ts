import type { Context } from '#platform/context.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import type { Caller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { passwordChangedMail } from './account-mails.js';
import { findAccountToken, redeemAccountToken } from './account-tokens.js';
import { deleteAccountTokens } from './account-tokens.queries.js';
import { findUserOrNull, updateUser } from './auth.queries.js';
import { revokeSessionsOfUser } from './sessions.queries.js';
import { prepareNewPassword } from './set-password.js';

/**
 * Sets a new password by the token of a mail and ends every session. The token came by mail, so the address is
 * confirmed as well; whoever registered an account with a stranger's address loses it here.
 * @throws AppError `not_found` for a token that is not valid, `validation_failed` for one of the last five passwords
 */
export async function resetPassword(
  ctx: Pick<Context, 'db' | 'afterCommit' | 'clock' | 'passwords' | 'config' | 'dispatchJob'>,
  caller: Caller,
  input: { token: string; password: string },
): Promise<void> {
  // Hashing takes long: a token that is no good must not cost it. It is used up below, where only one can.
  const user = await findUserOrNull(ctx.db, await findAccountToken(ctx, input.token, 'reset_password'));
  if (user === null) return;
  const setPassword = await prepareNewPassword(ctx, user, { path: 'password', password: input.password });
  await inTransaction(ctx, async (tx) => {
    await redeemAccountToken(tx, input.token, 'reset_password');
    await setPassword(tx);
    await deleteAccountTokens(tx.db, user.id, 'reset_password');
    const now = tx.clock.now();
    await updateUser(tx.db, user.id, { emailVerifiedAt: user.emailVerifiedAt ?? now });
    const sessions = await revokeSessionsOfUser(tx.db, { userId: user.id, exceptId: null, now });
    await recordAudit(tx, caller, {
      projectId: null,
      userId: user.id,
      action: 'user.reset_password',
      resourceType: 'user',
      resourceId: user.id,
      changes: { endedSessions: sessions },
    });
    await queueMail(tx, user.email, passwordChangedMail(user.name));
  });
}
