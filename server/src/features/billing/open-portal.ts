import { AppError } from '#kernel/app-error.js';
import type { SessionCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import type { CheckoutContext } from './open-plan-checkout.js';
import { requirePayments } from './require-payments.js';
import { returnUrls } from './return-urls.js';
import { findSubscriptionOrNull } from './stripe-accounts.queries.js';

/**
 * Opens a page where the caller sees to its means of payment, its bills and its subscription.
 * @returns the address of the page
 * @throws AppError `not_configured`, `conflict` for who has never bought anything, `unavailable`
 */
export async function openPortal(ctx: CheckoutContext, caller: SessionCaller): Promise<string> {
  const payments = requirePayments(ctx);
  const { userId } = caller.actor;
  const customerId = (await findSubscriptionOrNull(ctx.db, userId))?.stripeCustomerId ?? null;
  if (customerId === null) {
    throw new AppError(
      'conflict',
      'Your account has bought nothing yet: POST /v1/billing/checkout begins that.',
    );
  }
  const { returnUrl } = returnUrls(ctx);
  const url = await payments.openPortal({ customerId, returnUrl });
  await inTransaction(ctx, (tx) =>
    recordAudit(tx, caller, {
      projectId: null,
      action: 'billing.open_portal',
      resourceType: 'user',
      resourceId: userId,
    }),
  );
  return url;
}
