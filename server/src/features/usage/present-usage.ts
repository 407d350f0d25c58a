import type { z } from 'zod';
import { normalAmount } from '#kernel/normal-amount.js';
import type { UsagePeriod } from './find-usage-period.js';
import { COST_CURRENCY } from './message-cost.js';
import type { Metered, Usage } from './read-usage.js';
import type { DayCounts } from './usage-reports.queries.js';
import type { dailyUsageSchema, usageSchema } from './usage.schemas.js';

export function presentUsage(of: Metered, usage: Usage): z.infer<typeof usageSchema> {
  const { period, creditsLeft } = usage;
  const { plan, limits, spendingCap } = period;
  return {
    ...presentPeriod(of, period),
    plan: plan.name,
    messagesMini: {
      used: usage.messagesMini,
      usedCredits: usage.creditsMini,
      limit: limits.messagesMini,
      credits: creditsLeft.messages_mini,
    },
    messagesPremium: {
      used: usage.messagesPremium,
      usedCredits: usage.creditsPremium,
      limit: limits.messagesPremium,
      credits: creditsLeft.messages_premium,
    },
    indexedPages: {
      used: usage.indexedPages,
      limit: limits.indexedPages,
      credits: creditsLeft.indexed_pages,
      processed: usage.processedPages,
    },
    // There are no credits for chatbots.
    chatbots: { used: usage.chatbots, limit: limits.chatbots, credits: 0 },
    cost: usage.cost,
    spendingCap: spendingCap === null ? null : normalAmount(spendingCap),
  };
}

export function presentDailyUsage(
  of: Metered,
  { period, days }: { period: UsagePeriod; days: DayCounts[] },
): z.infer<typeof dailyUsageSchema> {
  return { ...presentPeriod(of, period), data: days };
}

function presentPeriod(of: Metered, { start, end }: UsagePeriod) {
  const periodStart = start.toISOString();
  return {
    projectId: of.type === 'project' ? of.scope.projectId : null,
    month: periodStart.slice(0, 7),
    periodStart,
    periodEnd: end.toISOString(),
    currency: COST_CURRENCY,
  };
}
