import type { Context } from '#platform/context.js';
import { systemCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from './record-audit.js';
import { HOUR_MS, hourOf } from './seal-audit-log.js';
import { deleteEntries, findLastSealOrNull, findOldestEntryTimeOrNull } from './seals.queries.js';

const DAY_MS = 24 * HOUR_MS;

/**
 * Deletes entries older than `auditRetentionDays`, by whole hours that are sealed. Up to when is noted in the log
 * first: `verifyAuditLog` asks for no entries before it. Seals stay for ever.
 * @returns how many entries
 */
export async function deleteOldEntries(
  ctx: Pick<Context, 'db' | 'clock' | 'config' | 'afterCommit'>,
  signal: AbortSignal,
): Promise<number> {
  const { auditRetentionDays: days } = ctx.config;
  const seal = await findLastSealOrNull(ctx.db);
  if (days === 0 || seal === null) return 0;
  const keptFrom = hourOf(new Date(ctx.clock.now().getTime() - days * DAY_MS));
  const before = new Date(Math.min(keptFrom.getTime(), seal.periodEnd.getTime()));
  const nextHour = async () => {
    const oldest = await findOldestEntryTimeOrNull(ctx.db);
    return oldest === null || oldest >= before ? null : hourOf(oldest);
  };
  let start = await nextHour();
  if (start === null) return 0;
  await recordAudit(ctx, systemCaller, {
    projectId: null,
    action: 'audit.retention',
    resourceType: 'audit_log',
    resourceId: null,
    changes: { before: before.toISOString(), days },
  });
  let count = 0;
  while (start !== null && !signal.aborted) {
    const period = { start, end: new Date(start.getTime() + HOUR_MS) };
    count += await inTransaction(ctx, (tx) => deleteEntries(tx.db, period));
    start = await nextHour();
  }
  return count;
}
