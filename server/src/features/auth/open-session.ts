import { randomBytes } from 'node:crypto';
import { sha256Hex } from '#kernel/hash.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { Caller } from '#platform/scope.js';
import { generateAccessToken } from './access-token.js';
import { insertRefreshToken, insertSession } from './auth.queries.js';

const REFRESH_TOKEN_BYTES = 32;

export interface IssuedTokens {
  accessToken: string;
  refreshToken: string;
  /** Lifetime of the access token in seconds. */
  expiresIn: number;
}

/** Opens a session for a user in the caller's transaction: a new family of refresh tokens, of which hashes are kept. */
export async function openSession(
  tx: Pick<Context, 'db' | 'config' | 'clock'>,
  caller: Caller,
  userId: string,
): Promise<IssuedTokens> {
  const sessionId = newId();
  const refreshToken = randomBytes(REFRESH_TOKEN_BYTES).toString('base64url');
  const expiresAt = new Date(tx.clock.now().getTime() + tx.config.refreshTokenSeconds * 1000);
  await insertSession(tx.db, {
    id: sessionId,
    userId,
    userAgent: caller.userAgent,
    ip: caller.ip,
    expiresAt,
  });
  await insertRefreshToken(tx.db, {
    id: newId(),
    userId,
    sessionId,
    tokenHash: sha256Hex(refreshToken),
    expiresAt,
  });
  const accessToken = await generateAccessToken(tx, { userId, sessionId });
  return { accessToken, refreshToken, expiresIn: tx.config.accessTokenSeconds };
}
