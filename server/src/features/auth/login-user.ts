import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { Caller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { type UserRow, findUserByEmailOrNull } from './auth.queries.js';
import type { LoginInput } from './auth.schemas.js';
import { tooManyTries } from './login-throttle.js';
import { type IssuedTokens, openSession } from './open-session.js';
import { hasSessionFrom } from './sessions.queries.js';

/**
 * Signs a user in. An unknown address and a wrong password give one answer, in one time. While strangers guess, its
 * owner still gets in from an address that it has signed in from before.
 * @param secondsToWait of `createLoginThrottle`
 * @throws AppError `invalid_credentials`, `rate_limited`; `forbidden` for a suspended account, once the password was right
 */
export async function loginUser(
  ctx: Pick<Context, 'db' | 'afterCommit' | 'config' | 'clock' | 'passwords'>,
  caller: Caller,
  input: LoginInput,
  secondsToWait: number | null,
): Promise<{ user: UserRow; tokens: IssuedTokens }> {
  const user = await findUserByEmailOrNull(ctx.db, input.email);
  if (secondsToWait !== null) {
    const isKnownHere = user !== null && (await hasSessionFrom(ctx.db, { userId: user.id, ip: caller.ip }));
    if (!isKnownHere) throw tooManyTries(secondsToWait);
  }
  const isRight = await ctx.passwords.verify(input.password, user?.passwordHash ?? null);
  if (user === null || !isRight) {
    throw new AppError('invalid_credentials', 'The e-mail address or the password is wrong.');
  }
  if (user.suspendedAt !== null) {
    throw new AppError('forbidden', 'This account is suspended. Please ask those who run this server.');
  }
  return inTransaction(ctx, async (tx) => {
    const tokens = await openSession(tx, caller, user.id);
    await recordAudit(tx, caller, {
      projectId: null,
      userId: user.id,
      action: 'user.login',
      resourceType: 'user',
      resourceId: user.id,
    });
    return { user, tokens };
  });
}
