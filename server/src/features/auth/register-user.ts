import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { Caller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { type UserRow, insertUser } from './auth.queries.js';
import type { RegisterInput } from './auth.schemas.js';
import { type IssuedTokens, openSession } from './open-session.js';
import { sendVerification } from './send-verification.js';

/**
 * Makes an account, signs it in, and mails the link that confirms its address.
 * @throws AppError `conflict` for a known address
 */
export async function registerUser(
  ctx: Pick<Context, 'db' | 'afterCommit' | 'config' | 'clock' | 'passwords' | 'dispatchJob'>,
  caller: Caller,
  input: RegisterInput,
): Promise<{ user: UserRow; tokens: IssuedTokens }> {
  const passwordHash = await ctx.passwords.hash(input.password);
  return inTransaction(ctx, async (tx) => {
    const user = await insertUser(tx.db, { id: newId(), email: input.email, name: input.name, passwordHash });
    if (user === null) {
      throw new AppError('conflict', 'There is already an account with this address. Sign in instead.');
    }
    const tokens = await openSession(tx, caller, user.id);
    await recordAudit(tx, caller, {
      projectId: null,
      userId: user.id,
      action: 'user.register',
      resourceType: 'user',
      resourceId: user.id,
    });
    await sendVerification(tx, user);
    return { user, tokens };
  });
}
