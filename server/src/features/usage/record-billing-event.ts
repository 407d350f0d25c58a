import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import { type NewBillingEvent, insertBillingEvent } from './billing-events.queries.js';

/** Writes a line into the ledger, once for its key. @returns false where it was there already */
export function recordBillingEvent(
  tx: Pick<Context, 'db' | 'clock'>,
  event: Omit<NewBillingEvent, 'id' | 'createdAt' | 'updatedAt'>,
): Promise<boolean> {
  const now = tx.clock.now();
  return insertBillingEvent(tx.db, { ...event, id: newId(), createdAt: now, updatedAt: now });
}
