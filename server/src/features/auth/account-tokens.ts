import { randomBytes } from 'node:crypto';
import { AppError } from '#kernel/app-error.js';
import { sha256Hex } from '#kernel/hash.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import {
  type AccountTokenPurpose,
  findAccountTokenUserOrNull,
  insertAccountToken,
  useAccountToken,
} from './account-tokens.queries.js';

const TOKEN_BYTES = 32;
const HOUR_MS = 3_600_000;
const LIFETIME_MS: Record<AccountTokenPurpose, number> = {
  verify_email: 24 * HOUR_MS,
  reset_password: HOUR_MS,
};

/** Makes a token for a link in a mail, in the caller's transaction; only its hash is kept. */
export async function issueAccountToken(
  tx: Pick<Context, 'db' | 'clock'>,
  userId: string,
  purpose: AccountTokenPurpose,
): Promise<string> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const now = tx.clock.now();
  await insertAccountToken(tx.db, {
    id: newId(),
    userId,
    purpose,
    tokenHash: sha256Hex(token),
    expiresAt: new Date(now.getTime() + LIFETIME_MS[purpose]),
    createdAt: now,
  });
  return token;
}

/**
 * Whose token it is, without using it up.
 * @throws AppError `not_found` for a token that is unknown, used, expired or of another purpose
 */
export async function findAccountToken(
  ctx: Pick<Context, 'db' | 'clock'>,
  token: string,
  purpose: AccountTokenPurpose,
): Promise<string> {
  return validOrThrow(await findAccountTokenUserOrNull(ctx.db, hashed(ctx, token, purpose)));
}

/**
 * Uses a token up in the caller's transaction: of many tries at once one succeeds.
 * @returns the user that it was made for
 * @throws AppError `not_found` as `findAccountToken`
 */
export async function redeemAccountToken(
  tx: Pick<Context, 'db' | 'clock'>,
  token: string,
  purpose: AccountTokenPurpose,
): Promise<string> {
  return validOrThrow(await useAccountToken(tx.db, hashed(tx, token, purpose)));
}

function hashed(ctx: Pick<Context, 'clock'>, token: string, purpose: AccountTokenPurpose) {
  return { tokenHash: sha256Hex(token), purpose, now: ctx.clock.now() };
}

function validOrThrow(userId: string | null): string {
  if (userId !== null) return userId;
  throw new AppError('not_found', 'This link is not valid any more. Please ask for a new one.');
}
