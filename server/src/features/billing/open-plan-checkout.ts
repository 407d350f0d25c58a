import { AppError } from '#kernel/app-error.js';
import { sha256Hex } from '#kernel/hash.js';
import type { Context } from '#platform/context.js';
import type { SessionCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { findOrCreateCustomer } from './payment-customer.js';
import { requirePayments } from './require-payments.js';
import { returnUrls } from './return-urls.js';
import {
  type PlanName,
  type PlanRow,
  type SubscriptionRow,
  findPlanOnOffer,
  findSubscriptionOrNull,
} from './stripe-accounts.queries.js';

export type CheckoutContext = Pick<
  Context,
  'db' | 'clock' | 'config' | 'payments' | 'afterCommit' | 'dispatchJob'
>;

/**
 * Opens a page where the caller's account can subscribe to a plan. The plan begins when that is paid.
 * @param wish.key the same for each try at the same request
 * @returns the address of the page
 * @throws AppError `not_configured`, `conflict` for who has a subscription or has no price for the plan, `unavailable`
 */
export async function openPlanCheckout(
  ctx: CheckoutContext,
  caller: SessionCaller,
  wish: { plan: Exclude<PlanName, 'free'>; key: string },
): Promise<string> {
  const payments = requirePayments(ctx);
  const { userId } = caller.actor;
  const subscription = await findSubscriptionOrNull(ctx.db, userId);
  if (isPaying(subscription)) {
    throw new AppError(
      'conflict',
      'Your account has a subscription. Change or cancel it in the portal: POST /v1/billing/portal.',
    );
  }
  const plan = await findPlanOnOffer(ctx.db, wish.plan);
  const price = priceOf(plan, subscription);
  const customerId = await findOrCreateCustomer(ctx, payments, userId);
  const isFirst = (subscription?.stripeSubscriptionId ?? null) === null;
  const url = await payments.openCheckout({
    customerId,
    item: {
      name: `Botbase ${plan.name}`,
      price: price.amount,
      currency: plan.currency,
      priceId: price.priceId,
      quantity: 1,
    },
    mode: { type: 'subscription', trialDays: isFirst ? ctx.config.stripe.trialDays : 0 },
    metadata: { userId, plan: plan.name },
    ...returnUrls(ctx),
    idempotencyKey: checkoutKey(userId, `plan ${wish.key}`),
  });
  await inTransaction(ctx, (tx) =>
    recordAudit(tx, caller, {
      projectId: null,
      action: 'billing.open_checkout',
      resourceType: 'user',
      resourceId: userId,
      changes: { plan: plan.name, price: price.amount, currency: plan.currency },
    }),
  );
  return url;
}

export function isPaying(subscription: SubscriptionRow | null): boolean {
  return (
    subscription !== null && subscription.stripeSubscriptionId !== null && subscription.status !== 'cancelled'
  );
}

/** Keys of one account do not meet those of another. */
export function checkoutKey(userId: string, key: string): string {
  return `checkout:${sha256Hex(`${userId} ${key}`)}`;
}

/** What was agreed on with the account goes before the price of the plan. */
function priceOf(
  plan: PlanRow,
  subscription: SubscriptionRow | null,
): { amount: string; priceId: string | null } {
  const custom = subscription?.customPrice ?? null;
  if (custom !== null) return { amount: custom, priceId: null };
  if (plan.price !== null) return { amount: plan.price, priceId: plan.stripePriceId };
  throw new AppError(
    'conflict',
    `The price of the ${plan.name} plan is agreed on with each account. Ask whoever runs this server.`,
  );
}
