import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { isUniqueViolation } from '#platform/database-errors.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import type { UserCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { addressChangedMail } from './account-mails.js';
import { deleteAccountTokens } from './account-tokens.queries.js';
import { type UserRow, findUserOrNull, updateUser } from './auth.queries.js';
import type { UpdateProfileInput } from './auth.schemas.js';
import { sendVerification } from './send-verification.js';
import { revokeSessionsOfUser } from './sessions.queries.js';

/**
 * Changes the caller's name or address. Another address needs the password, is unconfirmed at first, and ends all
 * other sessions; the one before is told.
 * @throws AppError `invalid_credentials` for a wrong password, `conflict` for an address that is taken
 */
export async function updateProfile(
  ctx: Pick<Context, 'db' | 'afterCommit' | 'clock' | 'config' | 'dispatchJob' | 'passwords'>,
  caller: UserCaller,
  input: UpdateProfileInput,
): Promise<UserRow> {
  const { userId } = caller.actor;
  const user = await findUserOrNull(ctx.db, userId);
  if (user === null) throw accountGone();
  const newEmail = input.email === undefined || input.email === user.email ? null : input.email;
  if (newEmail !== null) {
    const isRight = await ctx.passwords.verify(input.currentPassword ?? '', user.passwordHash);
    if (!isRight) {
      throw new AppError('invalid_credentials', 'Another address needs your right `currentPassword`.');
    }
  }
  return inTransaction(ctx, async (tx) => {
    const updated = await updateUser(tx.db, userId, {
      name: input.name ?? user.name,
      ...(newEmail === null ? {} : { email: newEmail, emailVerifiedAt: null }),
    }).catch((error: unknown) => {
      throw isUniqueViolation(error)
        ? new AppError('conflict', 'There is already an account with this address.', { cause: error })
        : error;
    });
    if (updated === null) throw accountGone();
    await recordAudit(tx, caller, {
      projectId: null,
      action: 'user.update',
      resourceType: 'user',
      resourceId: userId,
      changes: {
        fields: [...(input.name === undefined ? [] : ['name']), ...(newEmail === null ? [] : ['email'])],
      },
    });
    if (newEmail !== null) await moveTo(tx, caller, { from: user, to: updated });
    return updated;
  });
}

async function moveTo(
  tx: Pick<Context, 'db' | 'afterCommit' | 'clock' | 'config' | 'dispatchJob'>,
  caller: UserCaller,
  { from, to }: { from: UserRow; to: UserRow },
): Promise<void> {
  const { userId, sessionId } = caller.actor;
  // Links to the address before must neither confirm the new one nor set a password.
  await deleteAccountTokens(tx.db, userId, 'verify_email');
  await deleteAccountTokens(tx.db, userId, 'reset_password');
  await revokeSessionsOfUser(tx.db, { userId, exceptId: sessionId, now: tx.clock.now() });
  await sendVerification(tx, to);
  await queueMail(tx, from.email, addressChangedMail(from.name));
}

function accountGone(): AppError {
  return new AppError('unauthenticated', 'The account is gone. Please register.');
}
