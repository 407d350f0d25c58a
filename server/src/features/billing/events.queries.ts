import { and, desc, eq, gte, isNull, lt, or } from 'drizzle-orm';
import { billingEvents } from '#db/schema/usage.js';
import type { Database } from '#platform/database.js';

export type BillingEventRow = typeof billingEvents.$inferSelect;

export interface BillingEventFilter {
  userId: string;
  projectId: string | null;
  type: BillingEventRow['type'] | null;
  /** Lines of this period, and those of none that were written in it. `id` null: nobody has opened it. */
  period: { id: string | null; start: Date; end: Date } | null;
  beforeId: string | null;
  limit: number;
}

/** Lines of the ledger of an account, newest first. */
export function listBillingEvents(db: Database, filter: BillingEventFilter): Promise<BillingEventRow[]> {
  const { userId, projectId, type, period, beforeId, limit } = filter;
  return db
    .select()
    .from(billingEvents)
    .where(
      and(
        eq(billingEvents.userId, userId),
        projectId === null ? undefined : eq(billingEvents.projectId, projectId),
        type === null ? undefined : eq(billingEvents.type, type),
        period === null ? undefined : isOfPeriod(period),
        beforeId === null ? undefined : lt(billingEvents.id, beforeId),
      ),
    )
    .orderBy(desc(billingEvents.id))
    .limit(limit + 1);
}

function isOfPeriod({ id, start, end }: NonNullable<BillingEventFilter['period']>) {
  const isWrittenThen = and(
    isNull(billingEvents.periodId),
    gte(billingEvents.createdAt, start),
    lt(billingEvents.createdAt, end),
  );
  return id === null ? isWrittenThen : or(eq(billingEvents.periodId, id), isWrittenThen);
}
