import { createHmac } from 'node:crypto';
import { AppError } from '#kernel/app-error.js';
import { sha256Hex } from '#kernel/hash.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { Caller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { generateAccessToken } from './access-token.js';
import {
  type RefreshTokenRow,
  findRefreshTokenOrNull,
  insertRefreshToken,
  lockRefreshTokenOrNull,
  markRefreshTokenUsed,
  revokeSession,
  updateSessionExpiry,
} from './auth.queries.js';
import type { IssuedTokens } from './open-session.js';

/** A client whose answer was lost may use its token again for this long, and gets the same successor. */
const GRACE_MS = 10_000;

type RefreshContext = Pick<Context, 'db' | 'afterCommit' | 'config' | 'clock'>;

/**
 * Rotates a refresh token (RFC 9700, 4.14.2). A token works once; within the grace time it gives its unused
 * successor again; any later use, or that of an older ancestor, ends the whole session.
 * @throws AppError `unauthenticated`
 */
export async function refreshAccessToken(
  ctx: RefreshContext,
  caller: Caller,
  refreshToken: string,
): Promise<IssuedTokens> {
  const outcome = await inTransaction(ctx, (tx) => rotate(tx, caller, refreshToken));
  if (outcome === null)
    throw new AppError('unauthenticated', 'The refresh token is not valid. Please sign in.');
  const accessToken = await generateAccessToken(ctx, outcome);
  return { accessToken, refreshToken: outcome.refreshToken, expiresIn: ctx.config.accessTokenSeconds };
}

interface Rotation {
  userId: string;
  sessionId: string;
  refreshToken: string;
}

/** @returns null for a token that is not valid; what it revokes must be committed, so it does not throw */
async function rotate(tx: RefreshContext, caller: Caller, refreshToken: string): Promise<Rotation | null> {
  const now = tx.clock.now();
  const found = await lockRefreshTokenOrNull(tx.db, sha256Hex(refreshToken));
  if (found === null || found.session.revokedAt !== null || found.token.expiresAt <= now) return null;
  if (found.user.suspendedAt !== null) return null;
  const { token } = found;
  const successor = successorOf(tx, refreshToken);
  const rotation = { userId: token.userId, sessionId: token.sessionId, refreshToken: successor };
  if (token.usedAt === null) {
    await issueSuccessor(tx, token, successor, now);
    await recordAudit(tx, caller, {
      projectId: null,
      userId: token.userId,
      action: 'session.refresh',
      resourceType: 'session',
      resourceId: token.sessionId,
    });
    return rotation;
  }
  const next = await findRefreshTokenOrNull(tx.db, sha256Hex(successor));
  const isInGrace = now.getTime() - token.usedAt.getTime() <= GRACE_MS;
  if (isInGrace && next !== null && next.usedAt === null) return rotation;
  await revokeSession(tx.db, token.sessionId, now);
  await recordAudit(tx, caller, {
    projectId: null,
    userId: token.userId,
    action: 'session.revoke',
    resourceType: 'session',
    resourceId: token.sessionId,
    changes: { reason: 'refresh_token_reused' },
  });
  return null;
}

async function issueSuccessor(
  tx: RefreshContext,
  token: RefreshTokenRow,
  successor: string,
  now: Date,
): Promise<void> {
  const expiresAt = new Date(now.getTime() + tx.config.refreshTokenSeconds * 1000);
  await markRefreshTokenUsed(tx.db, token.id, now);
  await insertRefreshToken(tx.db, {
    id: newId(),
    userId: token.userId,
    sessionId: token.sessionId,
    tokenHash: sha256Hex(successor),
    expiresAt,
  });
  await updateSessionExpiry(tx.db, token.sessionId, expiresAt);
}

/** The successor is an HMAC of the token: it can be given again without ever being stored. */
function successorOf(ctx: Pick<Context, 'config'>, refreshToken: string): string {
  return createHmac('sha256', ctx.config.jwtSecret)
    .update(`refresh-successor:${refreshToken}`)
    .digest('base64url');
}
