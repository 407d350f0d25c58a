import type { Context } from '#platform/context.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import { findPeriodWithOwner } from './periods.queries.js';
import { recordBillingEvent } from './record-billing-event.js';
import { WARNING_PERCENTS, type Reservation } from './reserve-message.js';
import { usageWarningMail } from './usage-warning-mail.js';

/** Tells an account that its plan's messages of a tier are nearly or wholly used: once for each step in a period. */
export async function warnOfUsage(
  tx: Pick<Context, 'db' | 'clock' | 'config' | 'afterCommit' | 'dispatchJob'>,
  { userId, periodId, tier }: Pick<Reservation, 'userId' | 'periodId' | 'tier'>,
): Promise<void> {
  const { period, email } = await findPeriodWithOwner(tx.db, periodId);
  const isMini = tier === 'mini';
  const used = isMini ? period.usedMessagesMini : period.usedMessagesPremium;
  const limit = isMini ? period.limitMessagesMini : period.limitMessagesPremium;
  if (limit === null) return;
  for (const percent of WARNING_PERCENTS.toReversed()) {
    if (used * 100 < limit * percent) continue;
    const isFirst = await recordBillingEvent(tx, {
      userId,
      type: 'usage_warning',
      reason: `${percent}_percent`,
      quantity: 0,
      tier,
      periodId,
      idempotencyKey: `warning:${periodId}:messages_${tier}:${percent}`,
      metadata: { used, limit },
    });
    if (isFirst) {
      const what = `${tier} messages`;
      const mail = usageWarningMail({ what, used, limit, percent, resetsAt: period.periodEnd });
      await queueMail(tx, email, mail);
    }
    // Of the higher step alone, where both are passed at once.
    return;
  }
}
