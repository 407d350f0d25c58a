import { z } from 'zod';
import { idSchema, instantSchema } from '#platform/http/schemas.js';

const MAX_PACKAGES = 1_000;

const planSchema = z.enum(['free', 'pro', 'enterprise']);

export const planCheckoutBody = z
  .strictObject({
    plan: z.enum(['pro', 'enterprise']).meta({
      description: '`enterprise` once a price was agreed on with the account.',
    }),
  })
  .meta({ id: 'PlanCheckout' });

export const addOnCheckoutBody = z
  .strictObject({
    addOnId: idSchema.meta({ description: 'Of `GET /v1/billing/plans`.' }),
    quantity: z.int().min(1).max(MAX_PACKAGES).default(1).meta({ description: 'Packages of it.' }),
  })
  .meta({ id: 'AddOnCheckout' });

export const paymentPageSchema = z
  .object({ url: z.url().meta({ description: 'A page of Stripe’s. Send the browser there.' }) })
  .meta({ id: 'PaymentPage' });

export const subscriptionSchema = z
  .object({
    plan: planSchema,
    status: z.enum(['active', 'trialing', 'past_due', 'cancelled']).meta({
      description:
        '`past_due`: a payment did not go through; `cancelled`: a subscription has ended. Without a subscription `active`.',
    }),
    paidBy: z.enum(['stripe', 'nobody']).meta({
      description: '`nobody`: there is no subscription that is paid, an admin decides about the plan.',
    }),
    trialEndsAt: instantSchema.nullable(),
    pendingPlan: planSchema.nullable().meta({ description: 'The plan that begins at `pendingAt`.' }),
    pendingAt: instantSchema.nullable(),
  })
  .meta({ id: 'Subscription' });
