import type { Context } from '#platform/context.js';
import { inTransaction } from '#platform/transaction.js';
import { listExpiredGrantIds, lockCreditGrantOrNull, updateCreditGrant } from './credits.queries.js';
import { tierOf } from './grant-credits.js';
import { recordBillingEvent } from './record-billing-event.js';

const MAX_GRANTS = 500;

/**
 * Writes off what is left of credits that have expired. They cannot be used since then; this is for the ledger.
 * @returns of how many grants
 */
export async function expireCredits(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit'>,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (;;) {
    const grantIds = await listExpiredGrantIds(ctx.db, ctx.clock.now(), MAX_GRANTS);
    for (const grantId of grantIds) {
      signal.throwIfAborted();
      if (await expireGrant(ctx, grantId)) count += 1;
    }
    if (grantIds.length < MAX_GRANTS) return count;
  }
}

function expireGrant(ctx: Pick<Context, 'db' | 'clock' | 'afterCommit'>, grantId: string): Promise<boolean> {
  return inTransaction(ctx, async (tx) => {
    const grant = await lockCreditGrantOrNull(tx.db, grantId);
    if (grant === null || grant.reserved > 0) return false;
    const left = grant.quantity - grant.used - grant.revoked;
    if (left <= 0) return false;
    const { id, userId, kind, expiresAt } = grant;
    await updateCreditGrant(tx.db, id, { revoked: grant.revoked + left, expiresAt });
    return recordBillingEvent(tx, {
      userId,
      type: 'credits_expired',
      reason: 'expired',
      quantity: -left,
      tier: tierOf(kind),
      creditGrantId: id,
      idempotencyKey: `credits_expired:${id}`,
      metadata: { kind },
    });
  });
}
