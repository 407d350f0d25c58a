import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction, readInProject } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { type ExportedRow, listExportedRows } from './export.queries.js';
import { exportedTables } from './exported-tables.js';

/** How many lines of each type have gone out. */
export type LineCounts = Record<string, number>;

/**
 * All that a project holds as lines of JSON, the last one with the counts. It is read page after page while it is
 * sent, and a page is all that is in memory; what changes meanwhile may or may not be in it.
 */
export async function* exportProject(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
): AsyncGenerator<string> {
  const counts: LineCounts = {};
  await inProjectTransaction(ctx, scope, (tx) =>
    recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'project.export',
      resourceType: 'project',
      resourceId: scope.projectId,
    }),
  );
  yield* projectLines(ctx, scope, counts);
  yield lineOf({ type: 'end', counts });
}

/** The lines of one project, counted into `counts`. */
export async function* projectLines(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  counts: LineCounts,
): AsyncGenerator<string> {
  const { projectId } = scope;
  for (const { type, rowsPerPage, ...table } of exportedTables) {
    const list = (page: Page) =>
      readInProject(ctx, scope, (tx) => listExportedRows(tx.db, scope, table, page));
    for await (const row of allRows(list, rowsPerPage)) {
      const { feedback = null, ...fields } = row;
      yield countedLine(counts, type, { projectId, ...fields, ...originOf(row) });
      if (feedback !== null) {
        yield countedLine(counts, 'feedback', { projectId, messageId: row['id'], ...(feedback as object) });
      }
    }
  }
}

/** Of a source: without where its file lies and what it hashes to. */
function originOf({ origin }: ExportedRow): object {
  if (typeof origin !== 'object' || origin === null) return {};
  const { fileKey: _place, sha256: _hash, ...shown } = origin as ExportedRow;
  return { origin: shown };
}

interface Page {
  afterKey: string | null;
  limit: number;
}

/** Rows of a list that is read page after page. */
export async function* allRows(
  list: (page: Page) => Promise<{ key: string; row: ExportedRow }[]>,
  limit: number,
): AsyncGenerator<ExportedRow> {
  for (let afterKey: string | null = null; ;) {
    const rows: { key: string; row: ExportedRow }[] = await list({ afterKey, limit });
    for (const { row } of rows) yield row;
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return;
    afterKey = last.key;
  }
}

export function countedLine(counts: LineCounts, type: string, row: ExportedRow): string {
  counts[type] = (counts[type] ?? 0) + 1;
  return lineOf({ type, ...row });
}

export function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
