import type { Context } from '#platform/context.js';
import type { JobHandler } from '#platform/jobs/define-job.js';
import type { PaidSubscription, Payments } from '#platform/ports/payments.js';
import { systemCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { changePlan } from '#features/usage/change-plan.js';
import { lockPayer } from '#features/usage/lock-payer.js';
import { type BillingContext, applySubscription } from './apply-subscription.js';
import { orderOf } from './event-order.js';
import {
  type PayingAccount,
  findSubscriptionOrNull,
  listDueAccounts,
  listPayingAccounts,
  updateSubscription,
} from './stripe-accounts.queries.js';

type MendContext = BillingContext & Pick<Context, 'payments'>;

const PAGE_SIZE = 100;

/**
 * Reads the subscriptions of all accounts from Stripe and mends what differs: webhooks may have been lost.
 * @returns how many accounts were not as they should be
 */
export async function mendSubscriptions(ctx: MendContext, signal: AbortSignal): Promise<number> {
  const { payments } = ctx;
  if (payments === null) return 0;
  let count = 0;
  let afterId: string | null = null;
  for (;;) {
    const accounts: PayingAccount[] = await listPayingAccounts(ctx.db, { afterId, limit: PAGE_SIZE });
    for (const account of accounts) {
      signal.throwIfAborted();
      if (await mendOrNote(ctx, payments, account)) count += 1;
    }
    afterId = accounts.at(-1)?.userId ?? null;
    if (accounts.length < PAGE_SIZE) return count;
  }
}

/**
 * Sees to accounts whose next plan should have begun: Stripe says so, but that may have been lost. Without Stripe it is
 * begun here.
 * @returns how many accounts were not as they should be
 */
export async function beginPendingPlans(ctx: MendContext, signal: AbortSignal): Promise<number> {
  let count = 0;
  for (const { userId, customerId } of await listDueAccounts(ctx.db, ctx.clock.now(), PAGE_SIZE)) {
    signal.throwIfAborted();
    const { payments } = ctx;
    const isMended =
      payments === null || customerId === null
        ? await beginPendingPlan(ctx, userId)
        : await mendOrNote(ctx, payments, { userId, customerId });
    if (isMended) count += 1;
  }
  return count;
}

/** Reads the subscription of one account, when events do not say enough. */
export const syncSubscription: JobHandler<{ userId: string }> = {
  run: async (ctx, _job, { userId }) => {
    const customerId = (await findSubscriptionOrNull(ctx.db, userId))?.stripeCustomerId ?? null;
    if (ctx.payments === null || customerId === null) return;
    await mendSubscription(ctx, ctx.payments, { userId, customerId });
  },
  retried: async () => {},
  ended: async (tx, { userId }) => {
    tx.log.warn({ userId }, 'a subscription could not be read from Stripe; it is read again in the night');
  },
};

/** One account that cannot be read holds up no other. */
async function mendOrNote(ctx: MendContext, payments: Payments, account: PayingAccount): Promise<boolean> {
  try {
    const isMended = await mendSubscription(ctx, payments, account);
    if (isMended)
      ctx.log.warn({ userId: account.userId }, 'a subscription was not as it is at Stripe, and is now');
    return isMended;
  } catch (error) {
    ctx.log.warn({ err: error, userId: account.userId }, 'a subscription could not be read from Stripe');
    return false;
  }
}

/** @returns whether anything was changed */
async function mendSubscription(
  ctx: MendContext,
  payments: Payments,
  { userId, customerId }: PayingAccount,
): Promise<boolean> {
  // To the second, as events are, and before it is asked for: what happens in the meantime is newer.
  const at = new Date(Math.floor(ctx.clock.now().getTime() / 1000) * 1000);
  const subscription = newestOf(await payments.listSubscriptions(customerId));
  if (subscription === null) return false;
  return inTransaction(ctx, async (tx) => {
    const before = await shown(tx, userId);
    await applySubscription(tx, userId, { subscription, at, order: orderOf('read') });
    return JSON.stringify(await shown(tx, userId)) !== JSON.stringify(before);
  });
}

async function shown(tx: BillingContext, userId: string) {
  const { user, subscription } = await lockPayer(tx, userId);
  const { status, pendingPlan, pendingAt, trialEndsAt, stripeSubscriptionId, anchor } = subscription;
  return { plan: user.plan, status, pendingPlan, pendingAt, trialEndsAt, stripeSubscriptionId, anchor };
}

/** Of what was ever paid. */
function newestOf(subscriptions: PaidSubscription[]): PaidSubscription | null {
  const paid = subscriptions.filter(({ standing }) => standing !== 'incomplete');
  const newest = paid.toSorted(
    (one, other) => other.createdAt.getTime() - one.createdAt.getTime() || (other.id > one.id ? 1 : -1),
  );
  return newest[0] ?? null;
}

function beginPendingPlan(ctx: BillingContext, userId: string): Promise<boolean> {
  return inTransaction(ctx, async (tx) => {
    const { pendingPlan: plan, pendingAt } = (await lockPayer(tx, userId)).subscription;
    if (plan === null || pendingAt === null || pendingAt > tx.clock.now()) return false;
    await updateSubscription(tx.db, userId, { pendingPlan: null, pendingAt: null, status: 'cancelled' });
    return changePlan(tx, systemCaller, userId, { plan, reason: 'period_ended' });
  });
}
