import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import type { UserCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { passwordChangedMail } from './account-mails.js';
import { deleteAccountTokens } from './account-tokens.queries.js';
import { findUserOrNull } from './auth.queries.js';
import type { ChangePasswordInput } from './auth.schemas.js';
import { revokeSessionsOfUser } from './sessions.queries.js';
import { prepareNewPassword } from './set-password.js';

/**
 * Changes the caller's password and ends all its other sessions.
 * @throws AppError `invalid_credentials` for a wrong current password, `validation_failed` for one of the last five
 */
export async function changePassword(
  ctx: Pick<Context, 'db' | 'afterCommit' | 'clock' | 'passwords' | 'config' | 'dispatchJob'>,
  caller: UserCaller,
  input: ChangePasswordInput,
): Promise<void> {
  const { userId, sessionId } = caller.actor;
  const user = await findUserOrNull(ctx.db, userId);
  const isRight = await ctx.passwords.verify(input.currentPassword, user?.passwordHash ?? null);
  if (user === null || !isRight) {
    throw new AppError('invalid_credentials', 'The current password is wrong.');
  }
  const setPassword = await prepareNewPassword(ctx, user, {
    path: 'newPassword',
    password: input.newPassword,
  });
  await inTransaction(ctx, async (tx) => {
    await setPassword(tx);
    await deleteAccountTokens(tx.db, userId, 'reset_password');
    const sessions = await revokeSessionsOfUser(tx.db, { userId, exceptId: sessionId, now: tx.clock.now() });
    await recordAudit(tx, caller, {
      projectId: null,
      action: 'user.change_password',
      resourceType: 'user',
      resourceId: userId,
      changes: { endedSessions: sessions },
    });
    await queueMail(tx, user.email, passwordChangedMail(user.name));
  });
}
