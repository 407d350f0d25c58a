import type { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { subscriptionSchema } from './checkout.schemas.js';
import { isPaying } from './open-plan-checkout.js';
import { findContactOrNull, findSubscriptionOrNull } from './stripe-accounts.queries.js';

/** What an account is on, and how it is paid. @throws AppError `unauthenticated` for one that was erased */
export async function readSubscription(
  ctx: Pick<Context, 'db'>,
  userId: string,
): Promise<z.infer<typeof subscriptionSchema>> {
  const contact = await findContactOrNull(ctx.db, userId);
  if (contact === null) throw new AppError('unauthenticated', 'The account is gone. Please register.');
  const subscription = await findSubscriptionOrNull(ctx.db, userId);
  return {
    plan: contact.plan,
    status: subscription?.status ?? 'active',
    paidBy: isPaying(subscription) ? 'stripe' : 'nobody',
    trialEndsAt: subscription?.trialEndsAt?.toISOString() ?? null,
    pendingPlan: subscription?.pendingPlan ?? null,
    pendingAt: subscription?.pendingAt?.toISOString() ?? null,
  };
}
