import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import { csvLine } from '#kernel/csv-line.js';
import { type LeadRow, listLeads } from './leads.queries.js';

const PAGE_ROWS = 500;

const COLUMNS: Record<string, (lead: LeadRow) => string | null> = {
  id: ({ id }) => id,
  createdAt: ({ createdAt }) => createdAt.toISOString(),
  updatedAt: ({ updatedAt }) => updatedAt.toISOString(),
  name: ({ name }) => name,
  email: ({ email }) => email,
  phone: ({ phone }) => phone,
  conversationId: ({ conversationId }) => conversationId,
  visitorId: ({ visitorId }) => visitorId,
  consentAt: ({ consentAt }) => consentAt?.toISOString() ?? null,
  consentText: ({ consentText }) => consentText,
  metadata: ({ metadata }) => JSON.stringify(metadata),
};

/** All leads of a project as CSV, newest first, a page at a time: no more than one is in memory. */
export async function* exportLeads(ctx: Pick<Context, 'db'>, scope: ProjectScope): AsyncGenerator<string> {
  const read = Object.values(COLUMNS);
  yield csvLine(Object.keys(COLUMNS));
  for (let beforeId: string | null = null; ;) {
    const filter = { text: null, beforeId, limit: PAGE_ROWS };
    const rows: LeadRow[] = await readInProject(ctx, scope, (tx) => listLeads(tx.db, scope, filter));
    const page = rows.slice(0, PAGE_ROWS);
    if (page.length > 0) yield page.map((lead) => csvLine(read.map((cell) => cell(lead)))).join('');
    if (rows.length <= PAGE_ROWS) return;
    beforeId = page.at(-1)?.id ?? null;
  }
}
