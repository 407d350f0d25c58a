import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import type { Payments } from '#platform/ports/payments.js';
import { inTransaction } from '#platform/transaction.js';
import { lockPayer } from '#features/usage/lock-payer.js';
import { endPaymentsJob } from '#features/usage/usage.jobs.js';
import { findContactOrNull, findSubscriptionOrNull, updateSubscription } from './stripe-accounts.queries.js';

type CustomerContext = Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob'>;

/**
 * By which name an account pays; it gets one with its first purchase.
 * @throws AppError `unauthenticated` for an account that was erased, and what `Payments` throws
 */
export async function findOrCreateCustomer(
  ctx: CustomerContext,
  payments: Payments,
  userId: string,
): Promise<string> {
  const contact = await findContactOrNull(ctx.db, userId);
  if (contact === null) throw gone();
  const subscription = await findSubscriptionOrNull(ctx.db, userId);
  const known = subscription?.stripeCustomerId ?? null;
  if (known !== null) return known;
  // Who asks twice at once gets one customer; who has lost one gets another.
  const idempotencyKey = `customer:${userId}:${subscription?.updatedAt.getTime() ?? 0}`;
  const { email, name } = contact;
  const customerId = await payments.createCustomer({ userId, email, name, idempotencyKey });
  const linked = await inTransaction(ctx, async (tx) => {
    if ((await findContactOrNull(tx.db, userId)) !== null) return linkCustomer(tx, userId, customerId);
    await enqueueJob(tx, endPaymentsJob, { projectId: null, payload: { customerId } });
    return null;
  });
  if (linked === null) throw gone();
  return linked;
}

/** Notes by which name an account pays, where it has none yet. @returns the one that it has then */
export async function linkCustomer(
  tx: Pick<Context, 'db' | 'clock'>,
  userId: string,
  customerId: string,
): Promise<string> {
  const { stripeCustomerId } = (await lockPayer(tx, userId)).subscription;
  if (stripeCustomerId !== null) return stripeCustomerId;
  await updateSubscription(tx.db, userId, { stripeCustomerId: customerId });
  return customerId;
}

function gone(): AppError {
  return new AppError('unauthenticated', 'The account is gone. Please register.');
}
