import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { MeteredKind, Payments } from '#platform/ports/payments.js';
import {
  type DayOfUsage,
  type MeteredAccount,
  findLastReportedDayOrNull,
  insertMeterReport,
  listMeterReports,
  listMeteredAccounts,
  sumUsageByDay,
} from './meter-reports.queries.js';

type ReportContext = Pick<Context, 'db' | 'clock' | 'payments' | 'log'>;
type Meters = Partial<Record<MeteredKind, string>>;

const DAY_MS = 24 * 3_600_000;
const PAGE_SIZE = 100;
/** Stripe takes usage of the last 35 days. */
const MAX_AGE_DAYS = 34;
/** Days that were told are looked at once more, when Stripe has long added them up. */
const REVIEWED_DAYS = 3;

/**
 * Tells Stripe's meters what accounts used on each day that is over: the sums of the ledger. A day that could not be
 * told is told with the next run. What Stripe has counted of the days before is compared, and a difference is logged.
 * Nothing is told where Stripe has no meters.
 * @returns how many days were told, of all accounts and kinds
 */
export async function reportUsage(ctx: ReportContext, signal: AbortSignal): Promise<number> {
  const { payments } = ctx;
  if (payments === null) return 0;
  const meters = await payments.listMeters();
  if (Object.keys(meters).length === 0) return 0;
  let count = 0;
  let afterId: string | null = null;
  for (;;) {
    const accounts: MeteredAccount[] = await listMeteredAccounts(ctx.db, { afterId, limit: PAGE_SIZE });
    for (const account of accounts) {
      signal.throwIfAborted();
      try {
        count += await reportAccount(ctx, payments, meters, account);
      } catch (error) {
        ctx.log.warn(
          { err: error, userId: account.userId },
          'usage could not be told to Stripe; it is told later',
        );
      }
    }
    afterId = accounts.at(-1)?.userId ?? null;
    if (accounts.length < PAGE_SIZE) return count;
  }
}

async function reportAccount(
  ctx: ReportContext,
  payments: Payments,
  meters: Meters,
  account: MeteredAccount,
): Promise<number> {
  const { userId, since } = account;
  const today = startOfDay(ctx.clock.now());
  const oldest = today.getTime() - MAX_AGE_DAYS * DAY_MS;
  const last = await findLastReportedDayOrNull(ctx.db, userId);
  const reviewed = last === null ? 0 : last.getTime() - REVIEWED_DAYS * DAY_MS;
  // What was used before the subscription began is none of its business.
  const from = new Date(Math.max(oldest, reviewed, since.getTime()));
  const reports = await listMeterReports(ctx.db, { userId, from: startOfDay(from), to: today });
  const told = new Map(reports.map((report) => [keyOf(report), report.quantity]));
  const used = await sumUsageByDay(ctx.db, { userId, from, to: today });
  let count = 0;
  for (const day of used.filter(({ kind }) => meters[kind] !== undefined)) {
    const quantity = told.get(keyOf(day));
    if (quantity === undefined) {
      await tell(ctx, payments, account, day);
      count += 1;
    } else if (day.day.getTime() < today.getTime() - DAY_MS) {
      await compare(ctx, payments, account, { ...day, told: quantity, meterId: meters[day.kind] ?? '' });
    }
  }
  return count;
}

/** First there, then here: if this process dies in between, the day is told again under the same key, and counts once. */
async function tell(
  ctx: ReportContext,
  payments: Payments,
  { userId, customerId }: MeteredAccount,
  { kind, day, quantity }: DayOfUsage,
): Promise<void> {
  const idempotencyKey = `${userId}:${kind}:${day.toISOString().slice(0, 10)}`;
  await payments.sendUsage({ customerId, kind, quantity, at: day, idempotencyKey });
  const reportedAt = ctx.clock.now();
  await insertMeterReport(ctx.db, { id: newId(), userId, kind, day, quantity, reportedAt });
}

async function compare(
  ctx: ReportContext,
  payments: Payments,
  { userId, customerId }: MeteredAccount,
  { kind, day, quantity, told, meterId }: DayOfUsage & { told: number; meterId: string },
): Promise<void> {
  const to = new Date(day.getTime() + DAY_MS);
  const counted = await payments.sumUsage({ meterId, customerId, from: day, to });
  if (counted === quantity && told === quantity) return;
  ctx.log.error(
    { userId, kind, day: day.toISOString().slice(0, 10), ledger: quantity, told, counted },
    'what Stripe has counted of a day is not what the ledger says',
  );
}

function keyOf({ kind, day }: Pick<DayOfUsage, 'kind' | 'day'>): string {
  return `${kind} ${day.toISOString()}`;
}

function startOfDay(at: Date): Date {
  return new Date(Math.floor(at.getTime() / DAY_MS) * DAY_MS);
}
