import type { Context } from '#platform/context.js';
import { type Reconciliation, compareCounters } from './reconciliation.queries.js';

const MOST_TOLD = 1_000;

/** Recomputes every counter from the ledger. Nothing is mended: a difference is a bug, and to be looked at. */
export function reconcileUsage(ctx: Pick<Context, 'db'>): Promise<Reconciliation> {
  return compareCounters(ctx.db, MOST_TOLD);
}

/** The nightly run: what it finds is told to the operator. @returns how many counters differ */
export async function reportUsageDifferences(ctx: Pick<Context, 'db' | 'log' | 'metrics'>): Promise<number> {
  const { counters, differences } = await reconcileUsage(ctx);
  ctx.metrics.usageDifferences.set(differences.length);
  for (const difference of differences) {
    ctx.log.error({ difference }, 'a counter of usage is not what the ledger comes to');
  }
  ctx.log.info({ counters, differences: differences.length }, 'usage was reconciled');
  return differences.length;
}
