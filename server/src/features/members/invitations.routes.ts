import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '#platform/context.js';
import { scopeOf, userOf } from '#platform/http/caller.js';
import { idempotent } from '#platform/http/idempotency.js';
import type { RateLimits } from '#platform/http/rate-limit.js';
import { listOf, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { requireSession, requireUser } from '#features/auth/auth.hooks.js';
import { presentProject } from '#features/projects/present-project.js';
import { requireProject } from '#features/projects/projects.hooks.js';
import { projectSchema } from '#features/projects/projects.schemas.js';
import { acceptInvitation } from './accept-invitation.js';
import { listInvitations } from './invitations.queries.js';
import { inviteMember } from './invite-member.js';
import {
  acceptInvitationBody,
  invitationSchema,
  inviteMemberBody,
  listInvitationsQuery,
  memberSchema,
} from './members.schemas.js';
import { presentInvitation, presentMember } from './present-member.js';
import { resendInvitation } from './resend-invitation.js';
import { withdrawInvitation } from './withdraw-invitation.js';

const docs = { tags: ['Members'], security: [{ bearer: [] }] };
const inProject = z.object({ projectId: pathId });
const params = z.object({ projectId: pathId, invitationId: pathId });

export const invitationRoutes =
  (ctx: Context, limits: RateLimits): FastifyPluginAsyncZod =>
  async (server) => {
    const mayWrite = [requireUser(ctx), requireProject(ctx, 'members:write')];
    // A mail to whatever address somebody types: as many as there are tries of a secret.
    const mayMail = [limits.secrets, ...mayWrite];

    server.post(
      '/v1/projects/:projectId/members',
      {
        schema: {
          ...docs,
          summary: 'Invite somebody by mail to become a member',
          description:
            'The invitation can be accepted for seven days. An address that is invited already gets a new mail and the new role; its old mail is worthless.',
          params: inProject,
          body: inviteMemberBody,
          response: { 201: invitationSchema, ...problems },
        },
        onRequest: mayMail,
        ...idempotent(ctx),
      },
      async (request, reply) => {
        const invitation = await inviteMember(ctx, scopeOf(request), request.body);
        return reply.status(201).send(presentInvitation(invitation, ctx.clock.now()));
      },
    );

    server.get(
      '/v1/projects/:projectId/invitations',
      {
        schema: {
          ...docs,
          summary: 'List open invitations, newest first',
          params: inProject,
          querystring: listInvitationsQuery,
          response: { 200: listOf(invitationSchema), ...problems },
        },
        onRequest: [requireUser(ctx), requireProject(ctx, 'members:read')],
      },
      async (request) => {
        const { limit, cursor } = request.query;
        const filter = { beforeId: cursorId(cursor), limit };
        const page = pageOf(
          await inProjectTransaction(ctx, scopeOf(request), (tx) =>
            listInvitations(tx.db, scopeOf(request), filter),
          ),
          limit,
        );
        const now = ctx.clock.now();
        return { ...page, data: page.data.map((row) => presentInvitation(row, now)) };
      },
    );

    server.delete(
      '/v1/projects/:projectId/invitations/:invitationId',
      {
        schema: {
          ...docs,
          summary: 'Withdraw an invitation',
          params,
          response: { 204: z.null(), ...problems },
        },
        onRequest: mayWrite,
      },
      async (request, reply) => {
        await withdrawInvitation(ctx, scopeOf(request), request.params.invitationId);
        return reply.status(204).send(null);
      },
    );

    server.post(
      '/v1/projects/:projectId/invitations/:invitationId/resend',
      {
        schema: {
          ...docs,
          summary: 'Mail an invitation again, for seven days from now',
          description: 'The mail before it is worthless then.',
          params,
          response: { 200: invitationSchema, ...problems },
        },
        onRequest: mayMail,
        ...idempotent(ctx),
      },
      async (request) => {
        const invitation = await resendInvitation(ctx, scopeOf(request), request.params.invitationId);
        return presentInvitation(invitation, ctx.clock.now());
      },
    );

    server.post(
      '/v1/invitations/accept',
      {
        schema: {
          ...docs,
          security: [{ session: [] }],
          summary: 'Become a member by the token of an invitation to your address',
          description: 'Works once. It also proves that the address of your account is yours.',
          body: acceptInvitationBody,
          response: { 200: z.object({ member: memberSchema, project: projectSchema }), ...problems },
        },
        onRequest: [limits.secrets, requireSession(ctx)],
        ...idempotent(ctx),
      },
      async (request) => {
        const { member, project } = await acceptInvitation(ctx, userOf(request), request.body.token);
        return { member: presentMember(member), project: presentProject(project) };
      },
    );
  };
