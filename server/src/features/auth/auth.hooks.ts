import type { FastifyRequest } from 'fastify';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { anonymousCaller, bearerToken, setUser, userOf } from '#platform/http/caller.js';
import { verifyAccessToken } from './access-token.js';
import { authenticate } from './authenticate.js';

type AuthContext = Pick<Context, 'config' | 'clock' | 'db'>;

/** Route hook: a living access token came with the request. */
export function requireUser(ctx: AuthContext) {
  return async (request: FastifyRequest): Promise<void> => {
    const token = bearerToken(request);
    if (token === null) {
      throw new AppError('unauthenticated', 'This needs an access token: `Authorization: Bearer <token>`.');
    }
    setUser(request, await authenticate(ctx, anonymousCaller(request), token));
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

/** The user whose validly signed token came with a request, without asking the database: for rate limits. */
export function identifyUser(ctx: AuthContext) {
  return async (request: FastifyRequest): Promise<string | null> => {
    const token = bearerToken(request);
    if (token === null) return null;
    const claims = await verifyAccessToken(ctx, token).catch(() => null);
    return claims?.userId ?? null;
  };
}
