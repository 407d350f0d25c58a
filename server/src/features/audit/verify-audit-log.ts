import type { Context } from '#platform/context.js';
import type { Database } from '#platform/database.js';
import { HOUR_MS, digestOf } from './seal-audit-log.js';
import { sealHashOf } from './seal-hash.js';
import { type SealRow, countEntries, listSeals, listSystemEntries } from './seals.queries.js';

const SEALS_PER_PAGE = 500;
const DAY_MS = 24 * HOUR_MS;

export interface AuditVerification {
  seals: number;
  /** Sealed entries that are still kept. */
  entries: number;
  /** Entries that came after the last sealed hour. */
  unsealedEntries: number;
  /** Up to when retention has deleted entries; null: it has deleted none. */
  deletedBefore: Date | null;
  sealedFrom: Date | null;
  lastSeal: Pick<SealRow, 'number' | 'sealHash' | 'periodEnd'> | null;
  /** What is not as it was sealed, each with its hour. Empty: all is. */
  faults: string[];
}

/**
 * Compares every entry that is kept with what was sealed of its hour, and every seal with the one before it, in one
 * snapshot of the database.
 */
export function verifyAuditLog(ctx: Pick<Context, 'db'>): Promise<AuditVerification> {
  return ctx.db.transaction((db) => verify(db), {
    isolationLevel: 'repeatable read',
    accessMode: 'read only',
  });
}

async function verify(db: Database): Promise<AuditVerification> {
  const retention = await readRetention(db);
  const witnesses = await readWitnesses(db);
  const { deletedBefore } = retention;
  const faults = [...retention.faults];
  let previous: SealRow | null = null;
  let sealedFrom: Date | null = null;
  let seals = 0;
  let entries = 0;
  for await (const seal of readSeals(db)) {
    if (previous === null && sealedFrom === null) sealedFrom = seal.periodStart;
    faults.push(...chainFaults(previous, seal, witnesses.get(seal.number)));
    if (deletedBefore === null || seal.periodStart >= deletedBefore) {
      const { count, fault } = await verifyHour(db, seal);
      entries += count;
      if (fault !== null) faults.push(fault);
    }
    previous = seal;
    seals += 1;
  }
  const lastNumber = Math.max(0, ...witnesses.keys());
  if (lastNumber > (previous?.number ?? 0)) {
    const from = previous === null ? 'the beginning' : hourText(previous.periodEnd);
    faults.push(`From ${from} on: seals up to ${lastNumber} are missing that the log says were made.`);
  }
  if (sealedFrom !== null) {
    const early = await countEntries(db, { end: sealedFrom });
    if (early > 0) faults.push(`Before the first sealed hour, ${hourText(sealedFrom)}: ${counted(early)}.`);
  }
  const unsealedEntries = await countEntries(db, previous === null ? {} : { start: previous.periodEnd });
  return { seals, entries, unsealedEntries, deletedBefore, sealedFrom, lastSeal: previous, faults };
}

async function* readSeals(db: Database): AsyncGenerator<SealRow> {
  let afterNumber = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const page = await listSeals(db, { afterNumber, limit: SEALS_PER_PAGE });
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    afterNumber = last.number;
  }
}

/** What is wrong with a seal as the successor of the one before it. */
function chainFaults(previous: SealRow | null, seal: SealRow, witness: Set<string> | undefined): string[] {
  const hour = hourText(seal.periodStart);
  const expected = (previous?.number ?? 0) + 1;
  const faults: string[] = [];
  if (seal.number !== expected) {
    const from = previous === null ? 'the beginning' : hourText(previous.periodEnd);
    faults.push(`${hour}: seals before this one are missing, from ${from} on.`);
  } else if (previous !== null && seal.periodStart.getTime() !== previous.periodEnd.getTime()) {
    faults.push(`${hour}: seal ${seal.number} does not begin where the one before it ends.`);
  }
  // Behind a gap the hash of the seal before is not known.
  const isBroken = seal.number === expected && seal.sealHash !== sealHashOf(previous?.sealHash ?? null, seal);
  if (isBroken)
    faults.push(`${hour}: the chain is broken: seal ${seal.number} or the one before it was changed.`);
  if (witness !== undefined && (witness.size > 1 || !witness.has(seal.sealHash))) {
    faults.push(`${hour}: seal ${seal.number} is not the one that was made at the time.`);
  }
  return faults;
}

async function verifyHour(db: Database, seal: SealRow): Promise<{ count: number; fault: string | null }> {
  const { periodStart: start, periodEnd: end } = seal;
  const { entryCount: count, entriesHash } = await digestOf(db, { start, end });
  const hour = hourText(start);
  if (count < seal.entryCount) {
    const missing = counted(seal.entryCount - count);
    return { count, fault: `${hour}: ${missing} missing of ${seal.entryCount}.` };
  }
  if (count > seal.entryCount) {
    const added = counted(count - seal.entryCount);
    return { count, fault: `${hour}: ${added} added after it was sealed, or come late.` };
  }
  const fault = entriesHash === seal.entriesHash ? null : `${hour}: an entry was changed, or replaced.`;
  return { count, fault };
}

/** Up to when entries were deleted, as the log itself says; what it says must fit its own time. */
async function readRetention(db: Database): Promise<{ deletedBefore: Date | null; faults: string[] }> {
  let deletedBefore: Date | null = null;
  const faults: string[] = [];
  for (const { changes, createdAt } of await listSystemEntries(db, 'audit.retention')) {
    const before = new Date(String(changes['before']));
    const days = Number(changes['days']);
    if (!(days >= 1 && before.getTime() <= createdAt.getTime() - days * DAY_MS + HOUR_MS)) {
      faults.push(`${hourText(createdAt)}: an entry of retention says what retention never does.`);
    } else if (deletedBefore === null || before > deletedBefore) deletedBefore = before;
  }
  return { deletedBefore, faults };
}

/** Hashes of seals by their numbers, as they were noted when the seals were made. */
async function readWitnesses(db: Database): Promise<Map<number, Set<string>>> {
  const witnesses = new Map<number, Set<string>>();
  for (const { changes } of await listSystemEntries(db, 'audit.seal')) {
    const number = Number(changes['number']);
    if (!Number.isSafeInteger(number)) continue;
    witnesses.set(number, (witnesses.get(number) ?? new Set()).add(String(changes['sealHash'])));
  }
  return witnesses;
}

function counted(count: number): string {
  return count === 1 ? '1 entry' : `${count} entries`;
}

/** `2026-11-28 03:00 UTC`. */
export function hourText(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
