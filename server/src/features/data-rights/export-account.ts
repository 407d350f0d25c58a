import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { type UserCaller, mintProjectScope } from '#platform/scope.js';
import { recordAudit } from '#features/audit/record-audit.js';
import {
  findExportedAccountOrNull,
  listExportedAccountRows,
  listExportedActs,
  listExportedMemberships,
  listExportedSessions,
  listOwnedProjectIds,
} from './export.queries.js';
import { accountTables } from './exported-tables.js';
import { type LineCounts, allRows, countedLine, lineOf, projectLines } from './export-project.js';

const PAGE_ROWS = 200;

/**
 * All that is held of an account as lines of JSON: itself, its sessions, the projects that it is a member of, what it
 * did, used and paid, and all of the projects that it owns.
 * @throws AppError `unauthenticated` when it is gone
 */
export async function* exportAccount(ctx: Pick<Context, 'db'>, caller: UserCaller): AsyncGenerator<string> {
  const { userId } = caller.actor;
  const counts: LineCounts = {};
  const account = await findExportedAccountOrNull(ctx.db, userId);
  if (account === null) throw new AppError('unauthenticated', 'The account is gone. Please register.');
  await recordAudit(ctx, caller, {
    projectId: null,
    action: 'account.export',
    resourceType: 'user',
    resourceId: userId,
  });
  yield countedLine(counts, 'account', account);
  const lists = [
    ['session', listExportedSessions],
    ['membership', listExportedMemberships],
    ['act', listExportedActs],
  ] as const;
  for (const [type, list] of lists) {
    for await (const row of allRows((page) => list(ctx.db, userId, page), PAGE_ROWS)) {
      yield countedLine(counts, type, row);
    }
  }
  for (const { type, rowsPerPage, ...table } of accountTables) {
    for await (const row of allRows(
      (page) => listExportedAccountRows(ctx.db, userId, table, page),
      rowsPerPage,
    )) {
      yield countedLine(counts, type, row);
    }
  }
  const listOwned = async (page: { afterKey: string | null; limit: number }) =>
    (await listOwnedProjectIds(ctx.db, userId, page)).map((id) => ({ key: id, row: { id } }));
  for await (const { id } of allRows(listOwned, PAGE_ROWS)) {
    yield* projectLines(ctx, mintProjectScope(caller, String(id), 'owner'), counts);
  }
  yield lineOf({ type: 'end', counts });
}
