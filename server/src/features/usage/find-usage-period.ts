import type { PlanLimits } from '#db/schema/billing.js';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { type Period, periodAt } from './period-at.js';
import { type PlanRow, findLastPeriodEndOrNull, limitsOf } from './periods.queries.js';
import {
  type AccountRow,
  type PeriodPlan,
  type PeriodWithPlan,
  findAccount,
  findPeriodAtOrNull,
  findPeriodBegunOrNull,
} from './usage-reports.queries.js';

export interface UsagePeriod {
  start: Date;
  end: Date;
  isUnderWay: boolean;
  /** Null: nobody has used anything in it. Reading opens no period. */
  row: PeriodWithPlan | null;
  plan: PeriodPlan;
  limits: PlanLimits;
  spendingCap: string | null;
}

/**
 * The period of an account that begins in a month, the newest of several; of the month that is now, the one that is
 * under way. One that nobody has used yet is made up as it would begin, with the limits that the plan has now.
 * @param input `month`: `YYYY-MM`, null: now; `plans`: the newest version of each
 * @throws AppError `not_found` for a month that has not begun, and for one that ended before the account was made
 */
export async function findUsagePeriod(
  ctx: Pick<Context, 'db' | 'clock'>,
  { userId, month, plans }: { userId: string; month: string | null; plans: readonly PlanRow[] },
): Promise<UsagePeriod> {
  const account = await findAccount(ctx.db, userId);
  const now = ctx.clock.now();
  const wanted = month === null ? null : monthOf(month);
  if (wanted !== null && wanted.start > now) throw noPeriod('The month has not begun yet.');
  const isNow = wanted === null || now < wanted.end;
  const row = isNow
    ? await findPeriodAtOrNull(ctx.db, userId, now)
    : await findPeriodBegunOrNull(ctx.db, userId, { from: wanted.start, to: wanted.end });
  if (row !== null) return { ...limitsAndPlanOf(row), ...spanOf(row.periodStart, row.periodEnd, now), row };
  const at = isNow ? now : new Date(wanted.end.getTime() - 1);
  const span = await unopenedSpan(ctx, { userId, account, at });
  if (span.end <= account.createdAt) throw noPeriod('The account was made after that month.');
  const { customLimits = {}, spendingCap = null } = account.subscription ?? {};
  const plan = plans.find(({ name }) => name === account.plan);
  if (plan === undefined) throw new Error('an account is on a plan that is not there');
  return {
    ...spanOf(span.start, span.end, now),
    row: null,
    plan,
    limits: limitsOf(plan, customLimits),
    spendingCap,
  };
}

/** The first instant of a month in UTC, and the first after it. @param month `YYYY-MM` */
export function monthOf(month: string): { start: Date; end: Date } {
  const start = new Date(`${month}-01T00:00:00.000Z`);
  const end = new Date(start);
  end.setUTCMonth(end.getUTCMonth() + 1);
  return { start, end };
}

function spanOf(start: Date, end: Date, now: Date): Pick<UsagePeriod, 'start' | 'end' | 'isUnderWay'> {
  return { start, end, isUnderWay: start <= now && now < end };
}

function limitsAndPlanOf(row: PeriodWithPlan): Pick<UsagePeriod, 'plan' | 'limits' | 'spendingCap'> {
  const { plan, spendingCap } = row;
  const limits = {
    chatbots: row.limitChatbots,
    messagesMini: row.limitMessagesMini,
    messagesPremium: row.limitMessagesPremium,
    indexedPages: row.limitIndexedPages,
  };
  return { plan, limits, spendingCap };
}

/** As `openPeriod` would open it. */
async function unopenedSpan(
  ctx: Pick<Context, 'db'>,
  { userId, account, at }: { userId: string; account: AccountRow; at: Date },
): Promise<Period> {
  const { start, end } = periodAt(account.subscription?.anchor ?? null, at);
  const lastEnd = await findLastPeriodEndOrNull(ctx.db, userId);
  const isLate = lastEnd !== null && lastEnd > start && lastEnd <= at;
  return { start: isLate ? lastEnd : start, end };
}

function noPeriod(why: string): AppError {
  return new AppError('not_found', `There is no usage of that month: ${why}`);
}
