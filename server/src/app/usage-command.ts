import type { Config } from '#platform/config/config.js';
import { createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import { reconcileUsage } from '#features/usage/reconcile-usage.js';
import { openDatabase } from './open-database.js';

const MAX_DIFFERENCES_TOLD = 100;

/**
 * Recomputes every counter of usage of the configured database from its ledger.
 * @returns what to print, and whether all agree
 */
export async function runUsageCommand(config: Config): Promise<{ text: string; isSound: boolean }> {
  const database = await openDatabase(config, createLogger('warn'), createMetrics());
  try {
    const { counters, differences } = await reconcileUsage({ db: database.db });
    if (differences.length === 0) {
      const text = `${counters} counters were recomputed from the ledger. All of them agree.\n`;
      return { text, isSound: true };
    }
    const told = differences
      .slice(0, MAX_DIFFERENCES_TOLD)
      .map(
        ({ of, id, userId, counter, expected, actual }) =>
          `  account ${userId}: ${counter} of ${of} ${id} is ${actual}, by the ledger ${expected}`,
      );
    const more = differences.length - told.length;
    const lines = [
      `${differences.length} OF ${counters} COUNTERS ARE NOT WHAT THE LEDGER COMES TO:`,
      ...told,
      ...(more > 0 ? [`  and ${more} more`] : []),
    ];
    return { text: `${lines.join('\n')}\n`, isSound: false };
  } finally {
    await database.close();
  }
}
