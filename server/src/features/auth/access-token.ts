import { SignJWT, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';

const ALGORITHM = 'HS256';
/** RFC 9068's type: no other kind of token passes for an access token. */
const TOKEN_TYPE = 'at+jwt';
const ISSUER = 'botbase';
const AUDIENCE = 'botbase-api';

export interface AccessTokenClaims {
  userId: string;
  sessionId: string;
}

const claimsSchema = z.object({ sub: z.uuid(), sid: z.uuid(), jti: z.uuid(), iat: z.int(), exp: z.int() });

/** Signs an access token (JWT, HS256) that lives as long as its session, `config.accessTokenSeconds` at most. */
export function generateAccessToken(
  ctx: Pick<Context, 'config' | 'clock'>,
  claims: AccessTokenClaims,
): Promise<string> {
  const issuedAt = Math.floor(ctx.clock.now().getTime() / 1000);
  return new SignJWT({ sid: claims.sessionId })
    .setProtectedHeader({ alg: ALGORITHM, typ: TOKEN_TYPE })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(claims.userId)
    .setJti(newId())
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ctx.config.accessTokenSeconds)
    .sign(keyOf(ctx));
}

/**
 * Checks form, signature, algorithm, type, issuer, audience and time of an access token; whether its session
 * still lives is for `authenticate` to find out.
 * @throws AppError `token_expired`, `unauthenticated`
 */
export async function verifyAccessToken(
  ctx: Pick<Context, 'config' | 'clock'>,
  token: string,
): Promise<AccessTokenClaims> {
  try {
    if (!token.split('.').every(isBase64Url)) throw new Error('a part is not base64url');
    const { payload } = await jwtVerify(token, keyOf(ctx), {
      algorithms: [ALGORITHM],
      typ: TOKEN_TYPE,
      issuer: ISSUER,
      audience: AUDIENCE,
      currentDate: ctx.clock.now(),
    });
    const claims = claimsSchema.parse(payload);
    return { userId: claims.sub, sessionId: claims.sid };
  } catch (error) {
    if (error instanceof errors.JWTExpired) {
      throw new AppError(
        'token_expired',
        'The access token has expired. Get a new one with your refresh token.',
      );
    }
    throw new AppError('unauthenticated', 'The access token is not valid. Please sign in.');
  }
}

/** RFC 7515 leaves one spelling to each part; the library also reads padding, spaces and spare bits. */
function isBase64Url(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

function keyOf(ctx: Pick<Context, 'config'>): Uint8Array {
  return new TextEncoder().encode(ctx.config.jwtSecret);
}
