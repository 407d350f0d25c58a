import type { Config } from '#platform/config/config.js';
import { createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import { type AuditVerification, hourText, verifyAuditLog } from '#features/audit/verify-audit-log.js';
import { openDatabase } from './open-database.js';

const MAX_FAULTS_TOLD = 100;

/**
 * Verifies the audit log of the configured database.
 * @returns what to print, and whether all is as it was sealed
 */
export async function runAuditCommand(config: Config): Promise<{ text: string; isSound: boolean }> {
  const database = await openDatabase(config, createLogger('warn'), createMetrics());
  try {
    const verification = await verifyAuditLog({ db: database.db });
    return { text: describeVerification(verification), isSound: verification.faults.length === 0 };
  } finally {
    await database.close();
  }
}

export function describeVerification(verification: AuditVerification): string {
  const { seals, entries, unsealedEntries, deletedBefore, sealedFrom, lastSeal, faults } = verification;
  const lines = [
    lastSeal === null || sealedFrom === null
      ? 'Nothing is sealed yet: an hour is sealed ten minutes after its end.'
      : `${seals} hours are sealed, from ${hourText(sealedFrom)} to ${hourText(lastSeal.periodEnd)}, with ${entries} entries that are kept.`,
    ...(deletedBefore === null
      ? []
      : [`Entries before ${hourText(deletedBefore)} were deleted when their time was over.`]),
    `${unsealedEntries} entries are not sealed yet.`,
    ...(lastSeal === null ? [] : [`The chain ends with seal ${lastSeal.number}: ${lastSeal.sealHash}`]),
    ...(faults.length > 0
      ? ['', ...describeFaults(faults)]
      : lastSeal === null
        ? []
        : ['', 'The audit log is as it was sealed.']),
  ];
  return `${lines.join('\n')}\n`;
}

function describeFaults(faults: string[]): string[] {
  const told = faults.slice(0, MAX_FAULTS_TOLD).map((fault) => `  ${fault}`);
  const more = faults.length - told.length;
  return ['THE AUDIT LOG IS NOT AS IT WAS SEALED:', ...told, ...(more > 0 ? [`  and ${more} more`] : [])];
}
