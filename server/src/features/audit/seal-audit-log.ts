import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { Database } from '#platform/database.js';
import { systemCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from './record-audit.js';
import { type SealDigest, createEntriesHash, sealHashOf } from './seal-hash.js';
import {
  type Period,
  type SealRow,
  findLastSealOrNull,
  findOldestEntryTimeOrNull,
  hasTransactionFromBefore,
  insertSeal,
  readEntries,
} from './seals.queries.js';

export const HOUR_MS = 3_600_000;
/** How long an hour has been over before it is sealed. */
const GRACE_MS = 600_000;

/**
 * Seals each hour of the audit log that is over, in order, empty ones too. The last seal made is noted in the log and
 * in the program's own log: whoever takes seals away afterwards has to take those away as well.
 * @returns how many hours
 */
export async function sealAuditLog(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'log'>,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  let last: SealRow | null = null;
  while (!signal.aborted) {
    const seal = await inTransaction(ctx, sealNextHour);
    if (seal === null) break;
    last = seal;
    count += 1;
  }
  if (last === null) return 0;
  const { id, number, sealHash } = last;
  await recordAudit(ctx, systemCaller, {
    projectId: null,
    action: 'audit.seal',
    resourceType: 'audit_seal',
    resourceId: id,
    changes: { number, sealHash },
  });
  ctx.log.info({ number, sealHash }, 'the audit log was sealed');
  return count;
}

/** @returns null when no hour is over, somebody may still write into it, or another process has sealed it */
async function sealNextHour(tx: Pick<Context, 'db' | 'clock'>): Promise<SealRow | null> {
  const previous = await findLastSealOrNull(tx.db);
  const start = previous?.periodEnd ?? (await firstHourOrNull(tx.db));
  if (start === null) return null;
  const end = new Date(start.getTime() + HOUR_MS);
  if (tx.clock.now().getTime() < end.getTime() + GRACE_MS) return null;
  if (await hasTransactionFromBefore(tx.db, end)) return null;
  const content = {
    number: (previous?.number ?? 0) + 1,
    periodStart: start,
    periodEnd: end,
    ...(await digestOf(tx.db, { start, end })),
  };
  const sealHash = sealHashOf(previous?.sealHash ?? null, content);
  return insertSeal(tx.db, { id: newId(), ...content, sealHash });
}

async function firstHourOrNull(db: Database): Promise<Date | null> {
  const oldest = await findOldestEntryTimeOrNull(db);
  return oldest === null ? null : hourOf(oldest);
}

/** The beginning of the hour (UTC) that a time is in. */
export function hourOf(time: Date): Date {
  return new Date(Math.floor(time.getTime() / HOUR_MS) * HOUR_MS);
}

/** What a seal has to say of the entries that a period has now. */
export async function digestOf(db: Database, period: Period): Promise<SealDigest> {
  const hash = createEntriesHash();
  for await (const entries of readEntries(db, period)) hash.add(entries);
  return hash.end();
}
