import type { FastifyRequest } from 'fastify';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import {
  anonymousCaller,
  bearerToken,
  hasSeveralCredentials,
  setUser,
  userOf,
} from '#platform/http/caller.js';
import type { Claimant } from '#platform/http/rate-limit.js';
import { hashApiKey, isLabelledApiKey } from '#features/api-keys/api-key.js';
import { verifyAccessToken } from './access-token.js';
import { authenticate } from './authenticate.js';

type AuthContext = Pick<Context, 'config' | 'clock' | 'db' | 'log'>;

/**
 * Route hook: a living access token or API key came with the request. What a key may do is for `requireProject` or
 * `requireKeyScope` to say; a route with neither of them is closed to keys by `userOf`.
 */
export function requireUser(ctx: AuthContext) {
  return async (request: FastifyRequest): Promise<void> => {
    if (hasSeveralCredentials(request)) {
      throw new AppError('malformed', 'The request has several `Authorization` headers. Send one.');
    }
    const token = bearerToken(request);
    if (token === null) {
      throw new AppError(
        'unauthenticated',
        'This needs an access token or an API key: `Authorization: Bearer <token>`.',
      );
    }
    setUser(request, await authenticate(ctx, anonymousCaller(request), token));
  };
}

/** Route hook of what concerns the account itself: a living access token, and no API key. */
export function requireSession(ctx: AuthContext) {
  const require = requireUser(ctx);
  return async (request: FastifyRequest): Promise<void> => {
    await require(request);
    userOf(request);
  };
}

/** Route hook: a living access token of somebody who is an admin at this moment, whatever the token was issued to. */
export function requireAdmin(ctx: AuthContext) {
  const require = requireUser(ctx);
  return async (request: FastifyRequest): Promise<void> => {
    await require(request);
    if (userOf(request).actor.role !== 'admin') throw new AppError('forbidden', 'This is for admins only.');
  };
}

/** Route hook: no credential is fine, a dead or malformed one is not. */
export function allowUser(ctx: AuthContext) {
  const require = requireUser(ctx);
  return async (request: FastifyRequest): Promise<void> => {
    if (request.headers.authorization !== undefined) await require(request);
  };
}

/** Whose token came with a request, without asking the database: for rate limits. */
export function identifyUser(ctx: Pick<Context, 'config' | 'clock'>) {
  return async (request: FastifyRequest): Promise<Claimant | null> => {
    const token = bearerToken(request);
    if (token === null) return null;
    if (isLabelledApiKey(token)) return { type: 'api-key', name: `api-key ${hashApiKey(token)}` };
    const claims = await verifyAccessToken(ctx, token).catch(() => null);
    return claims === null ? null : { type: 'user', name: claims.userId };
  };
}
