import type { Context } from '#platform/context.js';
import type { Caller } from '#platform/scope.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { lockCreditGrantOrNull, updateCreditGrant } from './credits.queries.js';
import { tierOf } from './grant-credits.js';
import { recordBillingEvent } from './record-billing-event.js';

/**
 * Takes credits back, as far as they are left: what was used stays used, and what is in use is settled.
 * @param revocation.quantity how many of the grant are to be revoked in all; `all`: it ends
 * @returns how many were revoked now
 */
export async function revokeCredits(
  tx: Pick<Context, 'db' | 'clock'>,
  caller: Caller,
  revocation: { grantId: string; quantity: number | 'all'; reason: string; idempotencyKey: string },
): Promise<number> {
  const { grantId, reason, idempotencyKey } = revocation;
  const grant = await lockCreditGrantOrNull(tx.db, grantId);
  if (grant === null) return 0;
  const left = grant.quantity - grant.used - grant.reserved - grant.revoked;
  const wanted = revocation.quantity === 'all' ? left : revocation.quantity - grant.revoked;
  const revoked = Math.max(0, Math.min(left, wanted));
  // What is in use may come back: then it has expired.
  const expiresAt =
    revocation.quantity === 'all' ? earlier(grant.expiresAt, tx.clock.now()) : grant.expiresAt;
  await updateCreditGrant(tx.db, grant.id, { revoked: grant.revoked + revoked, expiresAt });
  if (revoked === 0) return 0;
  const { userId, kind } = grant;
  await recordBillingEvent(tx, {
    userId,
    type: 'credits_revoked',
    reason,
    quantity: -revoked,
    tier: tierOf(kind),
    creditGrantId: grant.id,
    idempotencyKey,
    metadata: { kind },
  });
  await recordAudit(tx, caller, {
    projectId: null,
    action: 'credits.revoke',
    resourceType: 'credit_grant',
    resourceId: grant.id,
    changes: { userId, quantity: revoked, reason },
  });
  return revoked;
}

function earlier(expiresAt: Date | null, now: Date): Date {
  return expiresAt === null || expiresAt > now ? now : expiresAt;
}
