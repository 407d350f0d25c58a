import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Context } from '#platform/context.js';
import { userOf } from '#platform/http/caller.js';
import { idempotent } from '#platform/http/idempotency.js';
import { problems } from '#platform/http/schemas.js';
import { requireSession } from '#features/auth/auth.hooks.js';
import {
  addOnCheckoutBody,
  paymentPageSchema,
  planCheckoutBody,
  subscriptionSchema,
} from './checkout.schemas.js';
import { openAddOnCheckout } from './open-add-on-checkout.js';
import { openPlanCheckout } from './open-plan-checkout.js';
import { openPortal } from './open-portal.js';
import { readSubscription } from './read-subscription.js';

const docs = { tags: ['Billing'], security: [{ session: [] }] };
const page = { 200: paymentPageSchema, ...problems };

/** How an account pays. Each of these answers 501 where the server has no payments. */
export const checkoutRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const onRequest = requireSession(ctx);

    server.get(
      '/v1/billing/subscription',
      {
        schema: {
          ...docs,
          summary: 'Your plan, and how it is paid',
          response: { 200: subscriptionSchema, ...problems },
        },
        onRequest,
      },
      async (request) => readSubscription(ctx, userOf(request).actor.userId),
    );

    server.post(
      '/v1/billing/checkout',
      {
        schema: {
          ...docs,
          summary: 'Subscribe to a plan',
          description:
            'The plan begins when the page is paid. Of several such pages the newest alone can be.',
          body: planCheckoutBody,
          response: page,
        },
        onRequest,
        ...idempotent(ctx),
      },
      async (request) => {
        const wish = { ...request.body, key: keyOf(request) };
        return { url: await openPlanCheckout(ctx, userOf(request), wish) };
      },
    );

    server.post(
      '/v1/billing/add-ons',
      {
        schema: {
          ...docs,
          summary: 'Buy credits',
          description: 'They are given when the page is paid, and are used when the plan’s are used up.',
          body: addOnCheckoutBody,
          response: page,
        },
        onRequest,
        ...idempotent(ctx),
      },
      async (request) => {
        const wish = { ...request.body, key: keyOf(request) };
        return { url: await openAddOnCheckout(ctx, userOf(request), wish) };
      },
    );

    server.post(
      '/v1/billing/portal',
      {
        schema: {
          ...docs,
          summary: 'See to your means of payment, bills and subscription',
          description: 'There a subscription is changed, at once or for the next month, and cancelled.',
          response: page,
        },
        onRequest,
      },
      async (request) => ({ url: await openPortal(ctx, userOf(request)) }),
    );
  };

/** Whoever sends a key tries the same purchase again; else each request is its own. */
function keyOf(request: FastifyRequest): string {
  return [request.headers['idempotency-key']].flat()[0] ?? request.id;
}
