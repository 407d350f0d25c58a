import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { UserRow } from './auth.queries.js';
import { listFormerPasswordHashes, updatePassword } from './passwords.queries.js';

/** The present password and four before it are not chosen again. */
const FORMER_PASSWORDS = 4;

/**
 * Hashes a new password outside any transaction.
 * @returns sets it, in a transaction
 * @throws AppError `validation_failed` for one of the last five; the returned act throws `conflict` when the
 * password was changed meanwhile
 */
export async function prepareNewPassword(
  ctx: Pick<Context, 'db' | 'passwords'>,
  user: UserRow,
  input: { path: string; password: string },
): Promise<(tx: Pick<Context, 'db'>) => Promise<void>> {
  const former = await listFormerPasswordHashes(ctx.db, user.id, FORMER_PASSWORDS);
  for (const hash of [user.passwordHash, ...former]) {
    if (await ctx.passwords.verify(input.password, hash)) {
      const message = 'must not be one of your last five passwords';
      throw new AppError('validation_failed', 'Please choose a password that you have not had lately.', {
        errors: [{ path: input.path, message }],
      });
    }
  }
  const newHash = await ctx.passwords.hash(input.password);
  return async (tx) => {
    const isSet = await updatePassword(tx.db, {
      userId: user.id,
      currentHash: user.passwordHash,
      newHash,
      keep: FORMER_PASSWORDS,
    });
    if (!isSet)
      throw new AppError('conflict', 'The password was changed at the same moment. Please sign in.');
  };
}
