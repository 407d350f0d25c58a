import type { Context } from '#platform/context.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import type { MailContent } from '#platform/mail/render-mail.js';
import { type UsagePeriodRow, findPeriodWithOwner } from './periods.queries.js';
import { recordBillingEvent } from './record-billing-event.js';
import type { Reservation } from './reserve-message.js';
import { WARNING_PERCENTS } from './usage-limit.js';
import { pageWarningMail, usageWarningMail } from './usage-warning-mail.js';

type WarnContext = Pick<Context, 'db' | 'clock' | 'config' | 'afterCommit' | 'dispatchJob'>;

/** Tells an account that its plan's messages of a tier are nearly or wholly used: once for each step in a period. */
export async function warnOfUsage(
  tx: WarnContext,
  { userId, periodId, tier }: Pick<Reservation, 'userId' | 'periodId' | 'tier'>,
): Promise<void> {
  const { period, email } = await findPeriodWithOwner(tx.db, periodId);
  const isMini = tier === 'mini';
  const used = isMini ? period.usedMessagesMini : period.usedMessagesPremium;
  const limit = isMini ? period.limitMessagesMini : period.limitMessagesPremium;
  if (limit === null) return;
  await warnOnce(tx, { userId, periodId, tier, key: `messages_${tier}`, used, limit }, async (percent) => {
    const what = `${tier} messages`;
    return { email, mail: usageWarningMail({ what, used, limit, percent, resetsAt: period.periodEnd }) };
  });
}

/** The same of the pages that it holds. */
export async function warnOfPages(
  tx: WarnContext,
  pages: { visible: number; limit: number; period: Pick<UsagePeriodRow, 'id' | 'userId'> },
): Promise<void> {
  const { visible: used, limit, period } = pages;
  const { id: periodId, userId } = period;
  await warnOnce(tx, { userId, periodId, tier: null, key: 'indexed_pages', used, limit }, async (percent) => {
    const { email } = await findPeriodWithOwner(tx.db, periodId);
    return { email, mail: pageWarningMail({ used, limit, percent }) };
  });
}

async function warnOnce(
  tx: WarnContext,
  warning: {
    userId: string;
    periodId: string;
    tier: Reservation['tier'] | null;
    key: string;
    used: number;
    limit: number;
  },
  mailOf: (percent: number) => Promise<{ email: string; mail: MailContent }>,
): Promise<void> {
  const { userId, periodId, tier, key, used, limit } = warning;
  // Of the higher step alone, where both are passed at once.
  const percent = WARNING_PERCENTS.findLast((step) => used * 100 >= limit * step);
  if (percent === undefined) return;
  const isFirst = await recordBillingEvent(tx, {
    userId,
    type: 'usage_warning',
    reason: `${percent}_percent`,
    quantity: 0,
    tier,
    periodId,
    idempotencyKey: `warning:${periodId}:${key}:${percent}`,
    metadata: { used, limit },
  });
  if (!isFirst) return;
  const { email, mail } = await mailOf(percent);
  await queueMail(tx, email, mail);
}
