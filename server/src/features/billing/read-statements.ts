import type { z } from 'zod';
import { normalAmount } from '#kernel/normal-amount.js';
import type { Context } from '#platform/context.js';
import { type Page, pageOf } from '#platform/pagination.js';
import { monthOf } from '#features/usage/find-usage-period.js';
import { COST_CURRENCY } from '#features/usage/message-cost.js';
import { limitsOf } from './present-plan.js';
import {
  type AgreedPriceRow,
  type GrantRow,
  type StatementRow,
  listAgreedPrices,
  listGrantRows,
  listStatementRows,
} from './statements.queries.js';
import type { statementSchema } from './statements.schemas.js';

export type Statement = z.infer<typeof statementSchema>;

/**
 * A page of the periods of an account, newest first: what each one was under, what was used and bought in it. They are
 * read from the periods themselves, so there are statements without Stripe too.
 * @param filter `month`: `YYYY-MM`; null: all
 */
export async function readStatements(
  ctx: Pick<Context, 'db' | 'clock'>,
  userId: string,
  filter: { month: string | null; beforeId: string | null; limit: number },
): Promise<Page<Statement>> {
  const month = filter.month === null ? null : monthOf(filter.month);
  const page = pageOf(await listStatementRows(ctx.db, { ...filter, userId, month }), filter.limit);
  const [newest, oldest] = [page.data[0], page.data.at(-1)];
  if (newest === undefined || oldest === undefined) return { data: [], nextCursor: null };
  const span = { from: oldest.periodStart, to: newest.periodEnd };
  const grants = await listGrantRows(ctx.db, { userId, ...span });
  const prices = await listAgreedPrices(ctx.db, userId);
  const now = ctx.clock.now();
  return { ...page, data: page.data.map((row) => statementOf(row, { grants, prices, now })) };
}

function statementOf(
  row: StatementRow,
  { grants, prices, now }: { grants: GrantRow[]; prices: AgreedPriceRow[]; now: Date },
): Statement {
  // As it was when the period ended, whatever has been agreed on since.
  const agreed = prices.findLast(({ from }) => from < row.periodEnd)?.price ?? null;
  return {
    id: row.id,
    periodStart: row.periodStart.toISOString(),
    periodEnd: row.periodEnd.toISOString(),
    status: now < row.periodEnd ? 'open' : 'closed',
    plan: row.plan,
    planVersion: row.planVersion,
    price: agreed === null ? row.planPrice : normalAmount(agreed),
    currency: row.currency,
    limits: limitsOf(row),
    messagesMini: { plan: row.usedMessagesMini, credits: row.allMini - row.usedMessagesMini },
    messagesPremium: { plan: row.usedMessagesPremium, credits: row.allPremium - row.usedMessagesPremium },
    processedPages: row.processedPages,
    cost: row.cost,
    costCurrency: COST_CURRENCY,
    addOns: grants
      .filter(({ createdAt }) => createdAt >= row.periodStart && createdAt < row.periodEnd)
      .map(({ id, name, kind, quantity, revoked, amount, currency, createdAt }) => ({
        id,
        name,
        kind,
        quantity,
        revoked,
        amount,
        currency,
        createdAt: createdAt.toISOString(),
      })),
  };
}
