import type { SyncCounts } from '#db/schema/sources.js';
import { COST_CURRENCY } from '#features/usage/message-cost.js';

/** What is added to the counts of a run; `cost` in US dollars. */
export type MoreCounts = Partial<Omit<SyncCounts, 'cost' | 'currency'>> & { cost?: number };

export const NO_COUNTS: SyncCounts = {
  added: 0,
  changed: 0,
  gone: 0,
  unchanged: 0,
  skipped: 0,
  failed: 0,
  embeddedChunks: 0,
  embeddingTokens: 0,
  cost: '0',
  currency: COST_CURRENCY,
};

/** Of a dollar: a billionth is less than a token of the cheapest model. */
const COST_DECIMALS = 9;

export function addCounts(counts: SyncCounts, more: MoreCounts): SyncCounts {
  const { cost = 0, ...numbers } = more;
  const sum = { ...counts };
  for (const [name, value] of Object.entries(numbers) as [keyof typeof numbers, number][]) sum[name] += value;
  if (cost > 0) sum.cost = (Number(counts.cost) + cost).toFixed(COST_DECIMALS);
  return sum;
}
