import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Context } from '#platform/context.js';
import { userOf } from '#platform/http/caller.js';
import { problems } from '#platform/http/schemas.js';
import { requireSession } from '#features/auth/auth.hooks.js';
import { billingAccountSchema, updateBillingAccountBody } from './account.schemas.js';
import { readBillingAccount } from './read-billing-account.js';
import { updateBillingAccount } from './update-billing-account.js';

const docs = { tags: ['Billing'], security: [{ session: [] }] };

export const billingAccountRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const onRequest = requireSession(ctx);

    server.get(
      '/v1/billing/account',
      {
        schema: {
          ...docs,
          summary: 'What your account pays and may',
          response: { 200: billingAccountSchema, ...problems },
        },
        onRequest,
      },
      (request) => readBillingAccount(ctx, userOf(request).actor.userId),
    );

    server.patch(
      '/v1/billing/account',
      {
        schema: {
          ...docs,
          summary: 'Set a spending cap, or what an answer by a person costs',
          body: updateBillingAccountBody,
          response: { 200: billingAccountSchema, ...problems },
        },
        onRequest,
      },
      async (request) => {
        const caller = userOf(request);
        await updateBillingAccount(ctx, caller, request.body);
        return readBillingAccount(ctx, caller.actor.userId);
      },
    );
  };
