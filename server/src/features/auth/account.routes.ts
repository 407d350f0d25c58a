import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { anonymousCaller, userOf } from '#platform/http/caller.js';
import type { RateLimits } from '#platform/http/rate-limit.js';
import { listOf, listQuery, pathId, problems } from '#platform/http/schemas.js';
import { cursorId, pageOf } from '#platform/pagination.js';
import { inTransaction } from '#platform/transaction.js';
import { isId } from '#kernel/ids.js';
import { requireSession } from './auth.hooks.js';
import { type UserRow, findUserOrNull } from './auth.queries.js';
import {
  changePasswordBody,
  requestPasswordResetBody,
  resetPasswordBody,
  sessionSchema,
  updateProfileBody,
  userSchema,
  verifyEmailBody,
} from './auth.schemas.js';
import { changePassword } from './change-password.js';
import { deleteAccount } from './delete-account.js';
import { presentSession, presentUser } from './present-user.js';
import { requestPasswordReset } from './request-password-reset.js';
import { resetPassword } from './reset-password.js';
import { revokeSession } from './revoke-session.js';
import { resendVerification } from './send-verification.js';
import { listSessionsOfUser } from './sessions.queries.js';
import { updateProfile } from './update-profile.js';
import { verifyEmail } from './verify-email.js';

const tags = ['Accounts'];
const signedIn = { tags, security: [{ session: [] }] };
const noContent = { 204: z.null(), ...problems };

/** What somebody does with its own account. */
export const accountRoutes =
  (ctx: Context, limits: RateLimits): FastifyPluginAsyncZod =>
  async (server) => {
    const onRequest = requireSession(ctx);

    server.get(
      '/v1/auth/me',
      {
        schema: { ...signedIn, summary: 'Who you are', response: { 200: userSchema, ...problems } },
        onRequest,
      },
      async (request) => presentUser(await findAccount(ctx, userOf(request).actor.userId)),
    );

    server.patch(
      '/v1/auth/me',
      {
        schema: {
          ...signedIn,
          summary: 'Change your name or e-mail address',
          description: 'Another address needs `currentPassword`, and ends all other sessions.',
          body: updateProfileBody,
          response: { 200: userSchema, ...problems },
        },
        onRequest: [limits.secrets, onRequest],
      },
      async (request) => presentUser(await updateProfile(ctx, userOf(request), request.body)),
    );

    server.delete(
      '/v1/auth/me',
      {
        schema: {
          ...signedIn,
          summary: 'Erase your account and all that it owns',
          description:
            'Projects that you own go with it, also for their members. A receipt comes by mail. The last admin stays (409).',
          response: noContent,
        },
        onRequest,
      },
      async (request, reply) => {
        await deleteAccount(ctx, userOf(request));
        return reply.status(204).send(null);
      },
    );

    server.post(
      '/v1/auth/password',
      {
        schema: {
          ...signedIn,
          summary: 'Change your password',
          description: 'Ends all other sessions. None of your last five passwords is taken.',
          body: changePasswordBody,
          response: noContent,
        },
        onRequest: [limits.secrets, onRequest],
      },
      async (request, reply) => {
        await changePassword(ctx, userOf(request), request.body);
        return reply.status(204).send(null);
      },
    );

    server.post(
      '/v1/auth/password-reset',
      {
        schema: {
          tags,
          summary: 'Have a link for a new password mailed',
          description: 'The answer is the same whether the address has an account or not.',
          body: requestPasswordResetBody,
          response: { 202: z.null(), ...problems },
        },
        onRequest: limits.secrets,
      },
      async (request, reply) => {
        await requestPasswordReset(ctx, anonymousCaller(request), request.body.email);
        return reply.status(202).send(null);
      },
    );

    server.post(
      '/v1/auth/password-reset/confirm',
      {
        schema: {
          tags,
          summary: 'Set a new password by the token of the mail',
          description: 'Ends every session.',
          body: resetPasswordBody,
          response: noContent,
        },
        onRequest: limits.secrets,
      },
      async (request, reply) => {
        await resetPassword(ctx, anonymousCaller(request), request.body);
        return reply.status(204).send(null);
      },
    );

    server.post(
      '/v1/auth/verify-email',
      {
        schema: {
          tags,
          summary: 'Confirm your e-mail address by the token of the mail',
          body: verifyEmailBody,
          response: noContent,
        },
        onRequest: limits.secrets,
      },
      async (request, reply) => {
        await verifyEmail(ctx, anonymousCaller(request), request.body.token);
        return reply.status(204).send(null);
      },
    );

    server.post(
      '/v1/auth/verify-email/resend',
      {
        schema: {
          ...signedIn,
          summary: 'Have the mail that confirms your address sent again',
          response: { 202: z.null(), ...problems },
        },
        onRequest: [limits.secrets, onRequest],
      },
      async (request, reply) => {
        await inTransaction(ctx, async (tx) =>
          resendVerification(tx, userOf(request), await findAccount(tx, userOf(request).actor.userId)),
        );
        return reply.status(202).send(null);
      },
    );

    server.get(
      '/v1/auth/sessions',
      {
        schema: {
          ...signedIn,
          summary: 'Where you are signed in',
          querystring: z.strictObject(listQuery),
          response: { 200: listOf(sessionSchema), ...problems },
        },
        onRequest,
      },
      async (request) => {
        const { userId, sessionId } = userOf(request).actor;
        const { limit, cursor } = request.query;
        const page = { beforeId: cursorId(cursor), limit, now: ctx.clock.now() };
        const sessions = await listSessionsOfUser(ctx.db, userId, page);
        const { data, nextCursor } = pageOf(sessions, limit);
        return { data: data.map((session) => presentSession(session, sessionId)), nextCursor };
      },
    );

    server.delete(
      '/v1/auth/sessions/:sessionId',
      {
        schema: {
          ...signedIn,
          summary: 'Sign a device out',
          params: z.object({ sessionId: pathId }),
          response: noContent,
        },
        onRequest,
      },
      async (request, reply) => {
        const { sessionId } = request.params;
        if (!isId(sessionId)) throw new AppError('not_found', 'There is no such session.');
        await revokeSession(ctx, userOf(request), sessionId);
        return reply.status(204).send(null);
      },
    );
  };

async function findAccount(ctx: Pick<Context, 'db'>, userId: string): Promise<UserRow> {
  const user = await findUserOrNull(ctx.db, userId);
  if (user === null) throw new AppError('unauthenticated', 'The account is gone. Please register.');
  return user;
}
