import type { z } from 'zod';
import type { Context } from '#platform/context.js';
import { type Page, pageOf } from '#platform/pagination.js';
import { monthOf } from '#features/usage/find-usage-period.js';
import { COST_CURRENCY } from '#features/usage/message-cost.js';
import { limitsOf } from './present-plan.js';
import { type GrantRow, type StatementRow, listGrantRows, listStatementRows } from './statements.queries.js';
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
  const now = ctx.clock.now();
  return { ...page, data: page.data.map((row) => statementOf(row, grants, now)) };
}

function statementOf(row: StatementRow, grants: GrantRow[], now: Date): Statement {
  const isOpen = now < row.periodEnd;
  return {
    id: row.id,
    periodStart: row.periodStart.toISOString(),
    periodEnd: row.periodEnd.toISOString(),
    status: isOpen ? 'open' : 'closed',
    plan: row.plan,
    planVersion: row.planVersion,
    // What was agreed on is known of today alone: of a period that has ended it may have been another price.
    price: isOpen ? (row.customPrice ?? row.planPrice) : row.planPrice,
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
