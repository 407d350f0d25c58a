import { AppError } from '#kernel/app-error.js';
import type { SessionCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { type CheckoutContext, checkoutKey } from './open-plan-checkout.js';
import { findOrCreateCustomer } from './payment-customer.js';
import { requirePayments } from './require-payments.js';
import { returnUrls } from './return-urls.js';
import { findAddOnOnOfferOrNull } from './stripe-accounts.queries.js';

/**
 * Opens a page where the caller's account can buy credits. They are given when they are paid.
 * @param wish.key the same for each try at the same request
 * @returns the address of the page
 * @throws AppError `not_configured`, `not_found` for an add-on that is not offered, `unavailable`
 */
export async function openAddOnCheckout(
  ctx: CheckoutContext,
  caller: SessionCaller,
  wish: { addOnId: string; quantity: number; key: string },
): Promise<string> {
  const payments = requirePayments(ctx);
  const { userId } = caller.actor;
  const addOn = await findAddOnOnOfferOrNull(ctx.db, wish.addOnId);
  if (addOn === null) {
    throw new AppError('not_found', 'There is no such add-on on offer. GET /v1/billing/plans lists them.');
  }
  const { name, price, currency, stripePriceId: priceId, code } = addOn;
  const { quantity } = wish;
  const customerId = await findOrCreateCustomer(ctx, payments, userId);
  const url = await payments.openCheckout({
    customerId,
    item: { name, price, currency, priceId, quantity },
    mode: { type: 'payment' },
    metadata: { userId, addOnId: addOn.id, quantity: String(quantity) },
    ...returnUrls(ctx),
    idempotencyKey: checkoutKey(userId, `add-on ${wish.key}`),
  });
  await inTransaction(ctx, (tx) =>
    recordAudit(tx, caller, {
      projectId: null,
      action: 'billing.open_checkout',
      resourceType: 'user',
      resourceId: userId,
      changes: { addOn: code, quantity, price, currency },
    }),
  );
  return url;
}
