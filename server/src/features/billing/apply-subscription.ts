import { assertNever } from '#kernel/assert-never.js';
import type { Context } from '#platform/context.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import type { PaidStanding, PaidSubscription } from '#platform/ports/payments.js';
import { systemCaller } from '#platform/scope.js';
import { changePlan } from '#features/usage/change-plan.js';
import { type Payer, lockPayer } from '#features/usage/lock-payer.js';
import { moveAnchor } from '#features/usage/move-anchor.js';
import { isLater, orderOf } from './event-order.js';
import { paymentFailedMail, planEndedMail } from './subscription-mails.js';
import {
  type PlanName,
  type SubscriptionRow,
  findPlanOfPricesOrNull,
  updateSubscription,
} from './stripe-accounts.queries.js';
import {
  type SubscriptionRecord,
  findSubscriptionRecordOrNull,
  saveSubscriptionRecord,
} from './stripe-events.queries.js';

export type BillingContext = Pick<Context, 'db' | 'clock' | 'config' | 'log' | 'afterCommit' | 'dispatchJob'>;

export type SubscriptionOutcome =
  | 'applied'
  /** Something newer of the same subscription was applied. */
  | 'older'
  | 'ended_before'
  /** Nothing of it was paid yet. */
  | 'incomplete'
  /** A newer subscription of the account has taken its place. */
  | 'replaced'
  /** Its price is of no plan: the plan stays as it is. */
  | 'unknown_plan';

/** A subscription with the time that it was like this, and what tells equal times apart. */
export interface SubscriptionState {
  subscription: PaidSubscription;
  at: Date;
  /** See `event-order.ts`. */
  order: string;
}

const ENDED = 'ended';

/**
 * Has an account be as its subscription is. The result does not depend on the order that states come in: the newest
 * subscription counts, of that the newest state, and one that has ended stays ended.
 */
export async function applySubscription(
  tx: BillingContext,
  userId: string,
  { subscription, at, order }: SubscriptionState,
): Promise<SubscriptionOutcome> {
  const payer = await lockPayer(tx, userId);
  const { id, createdAt, standing } = subscription;
  const record = await findSubscriptionRecordOrNull(tx.db, id);
  if (record?.seen === ENDED) return 'ended_before';
  if (standing === 'incomplete') return 'incomplete';
  const isEnd = standing === 'ended';
  const isCurrent = payer.subscription.stripeSubscriptionId === id;
  const seenAt = isCurrent ? payer.subscription.stripeEventAt : null;
  const last = record === null || seenAt === null ? null : { at: seenAt, order: record.seen };
  if (!isEnd && last !== null && !isLater({ at, order }, last)) return 'older';
  const seen = { id, userId, createdAt, seen: isEnd ? ENDED : order };
  const current = await currentRecord(tx, payer.subscription);
  if (!isCurrent && current !== null && !isNewer(seen, current)) {
    if (isEnd) await saveSubscriptionRecord(tx.db, seen);
    else if (current.seen !== ENDED) warnOfTwo(tx, userId, id, current.id);
    return 'replaced';
  }
  await saveSubscriptionRecord(tx.db, seen);
  const eventAt = last !== null && last.at > at ? last.at : at;
  return becomeLike(tx, payer, subscription, eventAt);
}

/**
 * Has an account be on the plan that it has just paid for, for as long as nothing is heard of the subscription itself.
 */
export async function applyPurchase(
  tx: BillingContext,
  userId: string,
  purchase: { subscriptionId: string; customerId: string | null; plan: PlanName | null; boughtAt: Date },
): Promise<SubscriptionOutcome | 'known'> {
  const payer = await lockPayer(tx, userId);
  const { subscriptionId: id, customerId, plan, boughtAt } = purchase;
  const record = await findSubscriptionRecordOrNull(tx.db, id);
  if (record !== null) return record.seen === ENDED ? 'ended_before' : 'known';
  const seen = { id, userId, createdAt: boughtAt, seen: orderOf('bought') };
  const current = await currentRecord(tx, payer.subscription);
  if (current !== null && !isNewer(seen, current)) return 'replaced';
  await saveSubscriptionRecord(tx.db, seen);
  await updateSubscription(tx.db, userId, {
    status: 'active',
    stripeSubscriptionId: id,
    stripeCustomerId: payer.subscription.stripeCustomerId ?? customerId,
    stripeEventAt: null,
    pendingPlan: null,
    pendingAt: null,
  });
  if (plan === null) return 'unknown_plan';
  await changePlan(tx, systemCaller, userId, { plan, reason: 'subscription' });
  return 'applied';
}

async function becomeLike(
  tx: BillingContext,
  payer: Payer,
  subscription: PaidSubscription,
  eventAt: Date,
): Promise<SubscriptionOutcome> {
  const { user, subscription: before } = payer;
  const { standing } = subscription;
  const paidPlan = await planOf(tx, subscription);
  const plan = isPaidFor(standing) ? paidPlan : 'free';
  const status = statusOf(standing);
  await moveAnchor(tx, user.id, subscription.anchor);
  await updateSubscription(tx.db, user.id, {
    status,
    stripeSubscriptionId: subscription.id,
    stripeCustomerId: before.stripeCustomerId ?? subscription.customerId,
    stripeEventAt: eventAt,
    trialEndsAt: subscription.trialEndsAt,
    ...(await pendingOf(tx, subscription)),
  });
  if (plan === null) {
    tx.log.error(
      { userId: user.id, subscription: subscription.id, prices: subscription.priceIds },
      'a subscription is of no plan: set stripe_price_id of the plan that its price is of',
    );
    return 'unknown_plan';
  }
  const reason =
    standing === 'ended' ? 'subscription_ended' : standing === 'unpaid' ? 'unpaid' : 'subscription';
  await changePlan(tx, systemCaller, user.id, { plan, reason });
  if (plan === 'free' && user.plan !== 'free')
    await queueMail(tx, user.email, planEndedMail(user.name, user.plan));
  if (standing === 'past_due' && before.status !== 'past_due')
    await queueMail(tx, user.email, paymentFailedMail(user.name, plan));
  return 'applied';
}

/** By its price, which follows each change at the provider; by what its checkout said where that is of no plan. */
async function planOf(tx: BillingContext, { priceIds, plan }: PaidSubscription): Promise<PlanName | null> {
  return (await findPlanOfPricesOrNull(tx.db, priceIds)) ?? planNameOrNull(plan);
}

export function planNameOrNull(name: string | null): PlanName | null {
  return name === 'free' || name === 'pro' || name === 'enterprise' ? name : null;
}

async function pendingOf(
  tx: BillingContext,
  { next, standing }: PaidSubscription,
): Promise<Pick<Partial<SubscriptionRow>, 'pendingPlan' | 'pendingAt'>> {
  const nothing = { pendingPlan: null, pendingAt: null };
  if (standing === 'ended') return nothing;
  switch (next.type) {
    case 'same':
      return nothing;
    case 'none':
      return { pendingPlan: 'free', pendingAt: next.at };
    case 'other':
      return { pendingPlan: await findPlanOfPricesOrNull(tx.db, next.priceIds), pendingAt: next.at };
    case 'unknown':
      return {};
    default:
      return assertNever(next);
  }
}

/** Who is late with a payment keeps the plan until the provider gives up. */
function isPaidFor(standing: PaidStanding): boolean {
  return standing === 'trialing' || standing === 'active' || standing === 'past_due';
}

function statusOf(standing: PaidStanding): SubscriptionRow['status'] {
  if (standing === 'trialing' || standing === 'active') return standing;
  return standing === 'ended' ? 'cancelled' : 'past_due';
}

async function currentRecord(
  tx: BillingContext,
  { stripeSubscriptionId }: SubscriptionRow,
): Promise<SubscriptionRecord | null> {
  return stripeSubscriptionId === null ? null : findSubscriptionRecordOrNull(tx.db, stripeSubscriptionId);
}

function isNewer(
  one: Pick<SubscriptionRecord, 'id' | 'createdAt'>,
  other: Pick<SubscriptionRecord, 'id' | 'createdAt'>,
): boolean {
  const difference = one.createdAt.getTime() - other.createdAt.getTime();
  return difference > 0 || (difference === 0 && one.id > other.id);
}

function warnOfTwo(tx: BillingContext, userId: string, older: string, newer: string): void {
  tx.log.error(
    { userId, older, newer },
    'an account pays for two subscriptions: cancel the older one at Stripe',
  );
}
