import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { planName } from '#db/schema/users.js';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { userOf } from '#platform/http/caller.js';
import { idempotent } from '#platform/http/idempotency.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { requireAdmin } from '#features/auth/auth.hooks.js';
import { planCatalogue } from '#features/usage/plan-catalogue.js';
import { addAddOnVersion } from './add-add-on-version.js';
import { addPlanVersion } from './add-plan-version.js';
import { createAddOn } from './create-add-on.js';
import { type PlanName, listAddOnVersions, listPlanVersions } from './plans.queries.js';
import {
  addOnVersionSchema,
  catalogueSchema,
  listVersionsQuery,
  newAddOnBody,
  newAddOnVersionBody,
  newPlanVersionBody,
  planVersionSchema,
} from './plans.schemas.js';
import { presentAddOn, presentPlan } from './present-plan.js';

const adminDocs = { tags: ['Administration'], security: [{ session: ['admin'] }] };
const ofPlan = z.object({ plan: pathId });
const ofAddOn = z.object({ code: pathId });

export const planRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const onRequest = requireAdmin(ctx);

    server.get(
      '/v1/billing/plans',
      {
        schema: {
          tags: ['Billing'],
          security: [],
          summary: 'Plans, and what can be bought beside them',
          description: 'As they are for periods that begin now. Open to all, as a list of prices is.',
          response: { 200: catalogueSchema, ...problems },
        },
      },
      async () => {
        const { plans, addOns } = await planCatalogue(ctx);
        return { plans: plans.map(presentPlan), addOns: addOns.map(presentAddOn) };
      },
    );

    server.get(
      '/v1/admin/plans/:plan/versions',
      {
        schema: {
          ...adminDocs,
          summary: 'List the versions of a plan, newest first',
          params: ofPlan,
          querystring: listVersionsQuery,
          response: { 200: listOf(planVersionSchema), ...problems },
        },
        onRequest,
      },
      async (request) => {
        const { limit, cursor } = request.query;
        const filter = { beforeId: cursorId(cursor), limit };
        const page = pageOf(await listPlanVersions(ctx.db, planNamed(request.params.plan), filter), limit);
        return { ...page, data: page.data.map(presentPlan) };
      },
    );

    server.post(
      '/v1/admin/plans/:plan/versions',
      {
        schema: {
          ...adminDocs,
          summary: 'Change price or limits of a plan',
          description:
            'What is not named stays as it is. Periods that are under way keep their version; those that begin from now on have the new one. Another price takes `stripePriceId` away where none is named.',
          params: ofPlan,
          body: newPlanVersionBody,
          response: { 201: planVersionSchema, ...problems },
        },
        onRequest,
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const change = { plan: planNamed(request.params.plan), changes: request.body };
        return reply.status(201).send(presentPlan(await addPlanVersion(ctx, userOf(request), change)));
      },
    );

    server.get(
      '/v1/admin/add-ons',
      {
        schema: {
          ...adminDocs,
          summary: 'List the versions of all add-ons, newest first',
          querystring: listVersionsQuery,
          response: { 200: listOf(addOnVersionSchema), ...problems },
        },
        onRequest,
      },
      async (request) => {
        const { limit, cursor } = request.query;
        const page = pageOf(await listAddOnVersions(ctx.db, { beforeId: cursorId(cursor), limit }), limit);
        return { ...page, data: page.data.map(presentAddOn) };
      },
    );

    server.post(
      '/v1/admin/add-ons',
      {
        schema: {
          ...adminDocs,
          summary: 'Offer a new package of credits',
          body: newAddOnBody,
          response: { 201: addOnVersionSchema, ...problems },
        },
        onRequest,
        ...idempotent(ctx),
      },
      async (request, reply) =>
        reply.status(201).send(presentAddOn(await createAddOn(ctx, userOf(request), request.body))),
    );

    server.post(
      '/v1/admin/add-ons/:code/versions',
      {
        schema: {
          ...adminDocs,
          summary: 'Change an add-on, or take it from sale',
          description:
            'What is not named stays as it is, and so does what was bought. Another price takes `stripePriceId` away where none is named.',
          params: ofAddOn,
          body: newAddOnVersionBody,
          response: { 201: addOnVersionSchema, ...problems },
        },
        onRequest,
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const change = { code: codeOf(request.params.code), changes: request.body };
        return reply.status(201).send(presentAddOn(await addAddOnVersion(ctx, userOf(request), change)));
      },
    );
  };

/** @throws AppError `not_found` */
function planNamed(name: string): PlanName {
  const plan = planName.enumValues.find((candidate) => candidate === name);
  if (plan === undefined) throw new AppError('not_found', 'There is no such plan.');
  return plan;
}

/** What the database cannot hold cannot be there. @throws AppError `not_found` */
function codeOf(code: string): string {
  if (/^[a-z0-9-]{1,50}$/.test(code)) return code;
  throw new AppError('not_found', 'There is no such add-on.');
}
