import { sha256Hex } from '#kernel/hash.js';
import type { Context } from '#platform/context.js';
import type { SessionCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { type CreditGrantRow, grantCredits } from '#features/usage/grant-credits.js';
import { lockUser } from './users.queries.js';

/**
 * Gives an account credits that it does not pay for, once for each of an admin's keys.
 * @throws AppError `not_found`
 */
export function giveCredits(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit'>,
  caller: SessionCaller,
  userId: string,
  gift: { addOnId: string; quantity: number; key: string },
): Promise<CreditGrantRow> {
  const { addOnId, quantity, key } = gift;
  return inTransaction(ctx, async (tx) => {
    const { id } = await lockUser(tx.db, userId);
    const idempotencyKey = `gift:${id}:${sha256Hex(`${caller.actor.userId} ${key}`)}`;
    const purchase = { userId: id, addOnId, quantity, paid: null, idempotencyKey };
    return (await grantCredits(tx, caller, purchase)).grant;
  });
}
