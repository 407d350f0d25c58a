import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import type { Payments } from '#platform/ports/payments.js';

/** @throws AppError `not_configured` where nothing can be paid */
export function requirePayments(ctx: Pick<Context, 'payments' | 'config'>): Payments {
  if (ctx.payments !== null) return ctx.payments;
  const { secretKey, webhookSecret } = ctx.config.stripe;
  const missing = [
    ...(secretKey === null ? ['STRIPE_SECRET_KEY'] : []),
    ...(webhookSecret === null ? ['STRIPE_WEBHOOK_SECRET'] : []),
  ];
  throw new AppError(
    'not_configured',
    `Payments are not set up on this server: an admin gives out plans and credits. To take payments, set ${missing.join(' and ')}.`,
  );
}
