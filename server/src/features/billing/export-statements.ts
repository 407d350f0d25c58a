import { csvLine } from '#kernel/csv-line.js';
import type { Context } from '#platform/context.js';
import { cursorId } from '#platform/pagination.js';
import { type Statement, readStatements } from './read-statements.js';
import { type InvoiceRow, listInvoices } from './statements.queries.js';

const PAGE_ROWS = 100;

type Columns<Row> = Record<string, (row: Row) => string | number | null>;

const STATEMENT: Columns<Statement> = {
  periodStart: ({ periodStart }) => periodStart,
  periodEnd: ({ periodEnd }) => periodEnd,
  status: ({ status }) => status,
  plan: ({ plan }) => plan,
  planVersion: ({ planVersion }) => planVersion,
  price: ({ price }) => price,
  currency: ({ currency }) => currency,
  messagesMini: ({ messagesMini }) => messagesMini.plan,
  messagesMiniByCredits: ({ messagesMini }) => messagesMini.credits,
  messagesMiniLimit: ({ limits }) => limits.messagesMini,
  messagesPremium: ({ messagesPremium }) => messagesPremium.plan,
  messagesPremiumByCredits: ({ messagesPremium }) => messagesPremium.credits,
  messagesPremiumLimit: ({ limits }) => limits.messagesPremium,
  processedPages: ({ processedPages }) => processedPages,
  cost: ({ cost }) => cost,
  costCurrency: ({ costCurrency }) => costCurrency,
  addOns: ({ addOns }) => addOns.map(addOnText).join('; '),
};

const INVOICE: Columns<InvoiceRow> = {
  number: ({ number }) => number,
  status: ({ status }) => status,
  amount: ({ amount }) => amount,
  currency: ({ currency }) => currency,
  periodStart: ({ periodStart }) => periodStart?.toISOString() ?? null,
  periodEnd: ({ periodEnd }) => periodEnd?.toISOString() ?? null,
  createdAt: ({ createdAt }) => createdAt.toISOString(),
  hostedUrl: ({ hostedUrl }) => hostedUrl,
  stripeInvoiceId: ({ stripeInvoiceId }) => stripeInvoiceId,
};

/** All statements of an account as CSV, newest first, a page at a time. @param month `YYYY-MM`; null: all */
export function exportStatements(
  ctx: Pick<Context, 'db' | 'clock'>,
  userId: string,
  month: string | null,
): AsyncGenerator<string> {
  return csvOf(STATEMENT, async (beforeId) => {
    const page = await readStatements(ctx, userId, { month, beforeId, limit: PAGE_ROWS });
    return { rows: page.data, nextId: cursorId(page.nextCursor ?? undefined) };
  });
}

/** All invoices of an account as CSV, newest first, a page at a time. */
export function exportInvoices(ctx: Pick<Context, 'db'>, userId: string): AsyncGenerator<string> {
  return csvOf(INVOICE, async (beforeId) => {
    const found = await listInvoices(ctx.db, { userId, beforeId, limit: PAGE_ROWS });
    const rows = found.slice(0, PAGE_ROWS);
    return { rows, nextId: found.length > PAGE_ROWS ? (rows.at(-1)?.id ?? null) : null };
  });
}

async function* csvOf<Row>(
  columns: Columns<Row>,
  read: (beforeId: string | null) => Promise<{ rows: Row[]; nextId: string | null }>,
): AsyncGenerator<string> {
  const cells = Object.values(columns);
  yield csvLine(Object.keys(columns));
  let beforeId: string | null = null;
  do {
    const { rows, nextId }: { rows: Row[]; nextId: string | null } = await read(beforeId);
    const lines = rows.map((row) => csvLine(cells.map((cell) => textOf(cell(row)))));
    if (lines.length > 0) yield lines.join('');
    beforeId = nextId;
  } while (beforeId !== null);
}

function textOf(value: string | number | null): string | null {
  return typeof value === 'number' ? String(value) : value;
}

function addOnText({ name, kind, quantity, amount, currency }: Statement['addOns'][number]): string {
  const paid = amount === null ? 'given' : `${amount} ${currency ?? ''}`.trim();
  return `${name ?? kind}: ${quantity} for ${paid}`.replace('for given', 'given');
}
