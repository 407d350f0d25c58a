import { AppError } from '#kernel/app-error.js';
import { sha256Hex } from '#kernel/hash.js';
import type { Context } from '#platform/context.js';

/** The windows of a single address that an account's tries are counted over. */
const WINDOWS = 15;

/**
 * Counts the tries to sign in to one account, from wherever they come: guessing from many addresses gets no further
 * than from one. @returns resolves to the seconds to wait, or null when a try is free
 */
export function createLoginThrottle(
  ctx: Pick<Context, 'config' | 'limiter'>,
): (email: string) => Promise<number | null> {
  const { perAddress, windowMs } = ctx.config.rateLimit;
  const tries = ctx.limiter.createLimit({
    name: 'login',
    points: perAddress,
    windowMs: windowMs * WINDOWS,
  });
  return async (email) => {
    const { isAllowed, msBeforeNext } = await tries.consume(sha256Hex(email));
    return isAllowed ? null : Math.max(1, Math.ceil(msBeforeNext / 1000));
  };
}

export function tooManyTries(seconds: number): AppError {
  const detail = `Too many tries to sign in to this account. Please wait ${Math.ceil(seconds / 60)} minutes, or set a new password.`;
  return new AppError('rate_limited', detail, { retryAfterSeconds: seconds });
}
