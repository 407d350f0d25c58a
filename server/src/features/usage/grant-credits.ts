import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { Caller } from '#platform/scope.js';
import { recordAudit } from '#features/audit/record-audit.js';
import {
  type AddOnRow,
  type CreditGrantRow,
  findAddOn,
  findCreditGrantByKey,
  insertCreditGrant,
} from './credits.queries.js';
import { recordBillingEvent } from './record-billing-event.js';

export interface CreditPurchase {
  userId: string;
  addOnId: string;
  /** Packages of it. */
  quantity: number;
  /** What was paid for all of them, as a decimal number; null: a gift. */
  paid: { amount: string; currency: string } | null;
  /** Of the payment or the request that it comes from: once is once. */
  idempotencyKey: string;
}

export type { CreditGrantRow };

const DAY_MS = 24 * 3_600_000;
/**
 * Gives an account the credits of an add-on, once for each key. They expire as the add-on says.
 * @returns the grant, and whether it is new
 * @throws AppError `not_found` for an add-on that there never was
 */
export async function grantCredits(
  tx: Pick<Context, 'db' | 'clock'>,
  caller: Caller,
  purchase: CreditPurchase,
): Promise<{ grant: CreditGrantRow; isNew: boolean }> {
  const { userId, quantity, paid, idempotencyKey } = purchase;
  const addOn = await findAddOn(tx.db, purchase.addOnId);
  const now = tx.clock.now();
  const grant = await insertCreditGrant(tx.db, {
    id: newId(),
    userId,
    addOnId: addOn.id,
    kind: addOn.kind,
    quantity: addOn.quantity * quantity,
    expiresAt: addOn.validDays === null ? null : new Date(now.getTime() + addOn.validDays * DAY_MS),
    amount: paid?.amount ?? null,
    currency: paid?.currency ?? null,
    idempotencyKey,
    createdAt: now,
  });
  if (grant === null) return { grant: await findCreditGrantByKey(tx.db, idempotencyKey), isNew: false };
  await bookGrant(tx, grant, addOn, quantity);
  await recordAudit(tx, caller, {
    projectId: null,
    action: 'credits.grant',
    resourceType: 'credit_grant',
    resourceId: grant.id,
    changes: {
      userId,
      addOn: addOn.code,
      packages: quantity,
      quantity: grant.quantity,
      amount: grant.amount,
      currency: grant.currency,
    },
  });
  return { grant, isNew: true };
}

async function bookGrant(
  tx: Pick<Context, 'db' | 'clock'>,
  grant: CreditGrantRow,
  addOn: AddOnRow,
  packages: number,
): Promise<void> {
  const { id, userId, kind, quantity, amount, currency, expiresAt } = grant;
  const metadata = { addOn: addOn.code, version: addOn.version, kind, packages };
  await recordBillingEvent(tx, {
    userId,
    type: 'credits_granted',
    reason: amount === null ? 'gift' : 'bought',
    quantity,
    tier: tierOf(kind),
    creditGrantId: id,
    idempotencyKey: `credits_granted:${id}`,
    metadata: { ...metadata, expiresAt: expiresAt?.toISOString() ?? null },
  });
  if (amount === null) return;
  await recordBillingEvent(tx, {
    userId,
    type: 'payment',
    reason: 'add_on',
    quantity: packages,
    creditGrantId: id,
    amount,
    currency,
    idempotencyKey: `payment:${grant.idempotencyKey}`,
    metadata,
  });
}

/** The tier that credits of a kind pay for; null: none. */
export function tierOf(kind: CreditGrantRow['kind']): 'mini' | 'premium' | null {
  if (kind === 'indexed_pages') return null;
  return kind === 'messages_mini' ? 'mini' : 'premium';
}
