import type { Context } from '../context.js';
import { decrypt } from '../encryption.js';
import { deleteKeptAnswer, listKeptAnswers } from './idempotency.queries.js';

const PAGE_ROWS = 200;

/**
 * Deletes the answers kept for an `Idempotency-Key` that speak of one of these ids, and those that can no longer be
 * read. They are encrypted, so each is opened.
 * @param of `path`: of the requests, with its project's id in lower case
 */
export async function forgetAnswers(
  tx: Pick<Context, 'db' | 'config'>,
  of: { path: string; ids: ReadonlySet<string> },
): Promise<void> {
  if (of.ids.size === 0) return;
  for (let after: { scope: string; keyHash: string } | null = null; ;) {
    const rows: Awaited<ReturnType<typeof listKeptAnswers>> = await listKeptAnswers(tx.db, {
      path: of.path,
      after,
      limit: PAGE_ROWS,
    });
    for (const row of rows) {
      if (row.response !== null && speaksOf(tx, row.response, of.ids)) await deleteKeptAnswer(tx.db, row);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_ROWS) return;
    after = { scope: last.scope, keyHash: last.keyHash };
  }
}

const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

function speaksOf(ctx: Pick<Context, 'config'>, response: Uint8Array, ids: ReadonlySet<string>): boolean {
  let text: string;
  try {
    text = decrypt(ctx.config.decryptionKeys, response);
  } catch {
    return true;
  }
  return (text.match(ID) ?? []).some((id) => ids.has(id));
}
