import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import { type UsagePeriod, findUsagePeriod } from './find-usage-period.js';
import { planCatalogue } from './plan-catalogue.js';
import type { PlanRow } from './periods.queries.js';
import {
  type CreditsLeft,
  type DayCounts,
  type PeriodCounts,
  countChatbots,
  countCreditMessages,
  countIndexedPages,
  findPayerId,
  findPeriodCounts,
  listDayCounts,
  sumCreditsLeft,
} from './usage-reports.queries.js';

type ReadingContext = Pick<Context, 'db' | 'clock' | 'definitions'>;

/** Whose usage is read: that of an account, or of one project in the periods of the account that pays for it. */
export type Metered = { type: 'account'; userId: string } | { type: 'project'; scope: ProjectScope };

export interface Usage extends Omit<PeriodCounts, 'planMini' | 'planPremium'> {
  period: UsagePeriod;
  /** Of `messagesMini` and `messagesPremium`: those that credits paid for. */
  creditsMini: number;
  creditsPremium: number;
  creditsLeft: CreditsLeft;
  /** How many there are now; null for a period that has ended: it is not kept how many there were. */
  indexedPages: number | null;
  chatbots: number | null;
}

const NOTHING: PeriodCounts = {
  planMini: 0,
  planPremium: 0,
  messagesMini: 0,
  messagesPremium: 0,
  processedPages: 0,
  cost: '0.000000000',
};

/**
 * What was used in a period, and of what. It writes nothing: a month in which nothing happened has zeros and no row.
 * @param month `YYYY-MM`; null: the period that is under way
 * @throws AppError `not_found` for a month that the account has no period in
 */
export function readUsage(ctx: ReadingContext, of: Metered, month: string | null): Promise<Usage> {
  return inPeriod(ctx, of, month, async (tx, { userId, projectId, period }) => {
    const counts = period.row === null ? NOTHING : await findPeriodCounts(tx.db, period.row, projectId);
    const creditMessages =
      projectId === null || period.row === null
        ? {
            mini: counts.messagesMini - counts.planMini,
            premium: counts.messagesPremium - counts.planPremium,
          }
        : await countCreditMessages(tx.db, { periodId: period.row.id, projectId });
    const { planMini: _mini, planPremium: _premium, ...shown } = counts;
    return {
      ...shown,
      period,
      creditsMini: creditMessages.mini,
      creditsPremium: creditMessages.premium,
      creditsLeft: await sumCreditsLeft(tx.db, userId, tx.clock.now()),
      indexedPages: period.isUnderWay ? await countIndexedPages(tx.db, { userId, projectId }) : null,
      chatbots: period.isUnderWay ? await countChatbots(tx.db, { userId, projectId }) : null,
    };
  });
}

/**
 * The same by day, from the ledger: every day of the period, those without usage too.
 * @throws as `readUsage`
 */
export function readDailyUsage(
  ctx: ReadingContext,
  of: Metered,
  month: string | null,
): Promise<{ period: UsagePeriod; days: DayCounts[] }> {
  return inPeriod(ctx, of, month, async (tx, { projectId, period }) => {
    const counts = period.row === null ? [] : await listDayCounts(tx.db, period.row, projectId);
    const byDay = new Map(counts.map((day) => [day.day, day]));
    const days = daysOf(period).map((day) => byDay.get(day) ?? { ...NO_DAY, day });
    return { period, days };
  });
}

const NO_DAY = { messagesMini: 0, messagesPremium: 0, pages: 0, cost: '0.000000000' };
const DAY_MS = 86_400_000;

/** Days in UTC that a period touches. */
function daysOf({ start, end }: Pick<UsagePeriod, 'start' | 'end'>): string[] {
  const first = Math.floor(start.getTime() / DAY_MS);
  const last = Math.floor((end.getTime() - 1) / DAY_MS);
  return Array.from({ length: last - first + 1 }, (_, index) =>
    new Date((first + index) * DAY_MS).toISOString().slice(0, 10),
  );
}

interface MeteredPeriod {
  userId: string;
  projectId: string | null;
  period: UsagePeriod;
}

/** Reads in a transaction of the project, where it is about one. */
async function inPeriod<T>(
  ctx: ReadingContext,
  of: Metered,
  month: string | null,
  read: (tx: ReadingContext, of: MeteredPeriod) => Promise<T>,
): Promise<T> {
  // Before a transaction begins, as others share it.
  const { plans } = await planCatalogue(ctx);
  if (of.type === 'account') return readOf(ctx, { userId: of.userId, projectId: null, month, plans }, read);
  const { scope } = of;
  return readInProject(ctx, scope, async (tx) => {
    const userId = await findPayerId(tx.db, scope);
    return readOf(tx, { userId, projectId: scope.projectId, month, plans }, read);
  });
}

async function readOf<T>(
  ctx: ReadingContext,
  of: { userId: string; projectId: string | null; month: string | null; plans: readonly PlanRow[] },
  read: (tx: ReadingContext, of: MeteredPeriod) => Promise<T>,
): Promise<T> {
  const { userId, projectId } = of;
  return read(ctx, { userId, projectId, period: await findUsagePeriod(ctx, of) });
}

/** What `readUsage` gives the period of, for those who look at something else of it. */
export function readPeriod(
  ctx: ReadingContext,
  of: Metered,
  month: string | null,
): Promise<{ userId: string; period: UsagePeriod }> {
  return inPeriod(ctx, of, month, async (_tx, { userId, period }) => ({ userId, period }));
}
