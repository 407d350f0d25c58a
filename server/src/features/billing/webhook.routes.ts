import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { problems } from '#platform/http/schemas.js';
import { applyPaymentEvent } from './apply-payment-event.js';
import { requirePayments } from './require-payments.js';

/** The largest events are bills with many lines. */
const BODY_LIMIT_BYTES = 512 * 1024;

/** What Stripe tells us. Its signature is over the bytes of the body, so nobody parses them before it is checked. */
export const stripeWebhookRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    server.removeAllContentTypeParsers();
    server.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer' },
      async (_request: FastifyRequest, body: Buffer) => body,
    );

    server.post(
      '/v1/stripe/webhook',
      {
        schema: {
          tags: ['Billing'],
          summary: 'For Stripe: what has happened to payments',
          description:
            'Takes events that are signed with the endpoint’s secret (`Stripe-Signature`), each once and in any order. Point an endpoint at Stripe here, with the events `checkout.session.*`, `customer.deleted`, `customer.subscription.*`, `subscription_schedule.*`, `invoice.*` and `charge.refunded`.',
          body: z.unknown(),
          response: { 200: z.object({ received: z.literal(true) }), ...problems },
        },
        bodyLimit: BODY_LIMIT_BYTES,
        onRequest: async () => void requirePayments(ctx),
      },
      async (request) => {
        const payments = requirePayments(ctx);
        const { body } = request;
        if (!Buffer.isBuffer(body))
          throw new AppError('malformed', 'The body is missing: send an event of Stripe’s.');
        const signature = [request.headers['stripe-signature']].flat()[0];
        await applyPaymentEvent(ctx, await payments.readEvent(body, signature, ctx.clock.now()));
        return { received: true as const };
      },
    );
  };
