import { createHash } from 'node:crypto';
import { sha256Hex } from '#kernel/hash.js';
import type { SealedEntry } from './seals.queries.js';

/** What a seal says of an hour. */
export interface SealContent {
  number: number;
  periodStart: Date;
  periodEnd: Date;
  entryCount: number;
  entriesHash: string;
}

/**
 * SHA-256 over entries in the order of their ids, each as canonical JSON on a line of its own. Fields that are null are
 * left out, so that a column that is added later changes no hash.
 */
export function createEntriesHash(): { add: (entries: SealedEntry[]) => void; end: () => SealDigest } {
  const hash = createHash('sha256');
  let entryCount = 0;
  return {
    add: (entries) => {
      for (const entry of entries) hash.update(`${canonicalJson(entry)}\n`);
      entryCount += entries.length;
    },
    end: () => ({ entryCount, entriesHash: hash.digest('hex') }),
  };
}

export type SealDigest = Pick<SealContent, 'entryCount' | 'entriesHash'>;

/** SHA-256 over the hash of the seal before (null: there is none) and what this one says. */
export function sealHashOf(previousHash: string | null, content: SealContent): string {
  const { number, periodStart, periodEnd, entryCount, entriesHash } = content;
  const period = { periodStart: periodStart.toISOString(), periodEnd: periodEnd.toISOString() };
  return sha256Hex(canonicalJson({ previousHash, number, ...period, entryCount, entriesHash }));
}

/** JSON without spaces, without what is null, and with names in the order of their UTF-16 units (as in RFC 8785). */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, item]) => item !== null && item !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`);
  return `{${fields.join(',')}}`;
}
