import { and, eq, sql } from 'drizzle-orm';
import { invoices, stripeEvents } from '#db/schema/billing.js';
import { billingEvents } from '#db/schema/usage.js';
import type { Database } from '#platform/database.js';

export type StripeEventRow = typeof stripeEvents.$inferSelect;

/** Takes an event, which waits for whoever has it in hand. @returns false where it was applied before */
export async function claimStripeEvent(
  db: Database,
  event: Pick<StripeEventRow, 'id' | 'type' | 'occurredAt'>,
): Promise<boolean> {
  const rows = await db
    .insert(stripeEvents)
    .values({ ...event, outcome: 'applied' })
    .onConflictDoNothing()
    .returning({ id: stripeEvents.id });
  return rows.length > 0;
}

export async function settleStripeEvent(
  db: Database,
  eventId: string,
  end: { userId: string | null; outcome: string },
): Promise<void> {
  await db.update(stripeEvents).set(end).where(eq(stripeEvents.id, eventId));
}

const SUBSCRIPTION = 'subscription';

/** What is remembered of a subscription, for ever: so that one which has ended does not come back. */
export interface SubscriptionRecord {
  id: string;
  userId: string | null;
  /** Of the subscription. */
  createdAt: Date;
  /** `ended`, or the newest that was seen of it. */
  seen: string;
}

export async function findSubscriptionRecordOrNull(
  db: Database,
  subscriptionId: string,
): Promise<SubscriptionRecord | null> {
  const [row] = await db
    .select()
    .from(stripeEvents)
    .where(and(eq(stripeEvents.id, subscriptionId), eq(stripeEvents.type, SUBSCRIPTION)));
  if (row === undefined) return null;
  return { id: row.id, userId: row.userId, createdAt: row.occurredAt, seen: row.outcome };
}

export async function saveSubscriptionRecord(db: Database, record: SubscriptionRecord): Promise<void> {
  const { id, userId, createdAt: occurredAt, seen: outcome } = record;
  await db
    .insert(stripeEvents)
    .values({ id, type: SUBSCRIPTION, occurredAt, userId, outcome })
    .onConflictDoUpdate({ target: stripeEvents.id, set: { userId, occurredAt, outcome } });
}

/** In which a bill goes through its states, for two of one second. */
const STATUS_ORDER = sql.raw(`array['draft', 'open', 'uncollectible', 'void', 'deleted', 'paid']`);

/**
 * Stores how a bill is, unless a newer state of it is stored.
 * @returns whether this one was new
 */
export async function upsertInvoice(db: Database, invoice: typeof invoices.$inferInsert): Promise<boolean> {
  const { id: _id, userId: _userId, stripeInvoiceId: _stripeInvoiceId, ...changes } = invoice;
  const rank = (status: unknown) => sql`coalesce(array_position(${STATUS_ORDER}, ${status}), 0)`;
  const rows = await db
    .insert(invoices)
    .values(invoice)
    .onConflictDoUpdate({
      target: invoices.stripeInvoiceId,
      set: changes,
      setWhere: sql`${invoices.userId} = excluded.user_id and (excluded.stripe_event_at, ${rank(sql`excluded.status`)})
        > (${invoices.stripeEventAt}, ${rank(invoices.status)})`,
    })
    .returning({ id: invoices.id });
  return rows.length > 0;
}

/** What the ledger says that was paid back of a charge, as a decimal number. */
export async function sumRefunds(
  db: Database,
  charge: { userId: string; chargeId: string },
): Promise<string> {
  const [row] = await db
    .select({ sum: sql<string>`coalesce(-sum(${billingEvents.amount}), 0)::text` })
    .from(billingEvents)
    .where(
      and(
        eq(billingEvents.userId, charge.userId),
        eq(billingEvents.type, 'refund'),
        sql`${billingEvents.metadata} ->> 'chargeId' = ${charge.chargeId}`,
      ),
    );
  return row?.sum ?? '0';
}
