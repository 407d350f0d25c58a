import type { Context } from '#platform/context.js';
import { systemCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import {
  deleteOutdatedConversations,
  deleteOutdatedLeads,
  deleteOutdatedTraces,
} from './retention.queries.js';

const ROWS_PER_BATCH = 500;
/** The rest waits for the next run, so that one project's first day of retention does not load the database for hours. */
const MAX_BATCHES = 100;

/** Deletes what projects do not keep any longer (`retentionDays`, `retention`). @returns how many rows */
export async function deleteOutdatedData(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit'>,
  signal: AbortSignal,
): Promise<number> {
  const kinds = [
    { kind: 'conversations', deleteSome: deleteOutdatedConversations },
    { kind: 'leads', deleteSome: deleteOutdatedLeads },
    { kind: 'traces', deleteSome: deleteOutdatedTraces },
  ];
  let total = 0;
  for (const { kind, deleteSome } of kinds) {
    for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch += 1) {
      const deleted = await inTransaction(ctx, async (tx) => {
        const rows = await deleteSome(tx.db, { now: tx.clock.now(), limit: ROWS_PER_BATCH });
        await recordDeletions(tx, kind, rows);
        return rows.length;
      });
      total += deleted;
      if (deleted < ROWS_PER_BATCH) break;
    }
  }
  return total;
}

async function recordDeletions(
  tx: Pick<Context, 'db'>,
  kind: string,
  rows: { projectId: string }[],
): Promise<void> {
  const counts = new Map<string, number>();
  for (const { projectId } of rows) counts.set(projectId, (counts.get(projectId) ?? 0) + 1);
  for (const [projectId, count] of counts) {
    await recordAudit(tx, systemCaller, {
      projectId,
      action: 'retention.delete',
      resourceType: 'project',
      resourceId: projectId,
      changes: { [kind]: count },
    });
  }
}
