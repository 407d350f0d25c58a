import { createHash, randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import bcrypt from 'bcrypt';
import PQueue from 'p-queue';
import { AppError } from '#kernel/app-error.js';
import type { PasswordHasher } from '#platform/ports/password-hasher.js';

/**
 * A hash keeps one of libuv's four threads busy for a fifth of a second: two leave room for files and DNS. One
 * processor is left to those who do not sign in.
 */
export const HASHES_AT_ONCE = Math.min(2, Math.max(1, availableParallelism() - 1));
/** Beyond this a caller would wait for longer than it is willing to. */
const MAX_WAITING = 60;
const RETRY_SECONDS = 5;

/** bcrypt over a SHA-256 of the password, so that none of a long password's bytes are cut off at 72. */
export function createBcryptPasswordHasher(options: { rounds: number }): PasswordHasher {
  const queue = new PQueue({ concurrency: HASHES_AT_ONCE });
  const run = <T>(act: () => Promise<T>): Promise<T> => {
    if (queue.size < MAX_WAITING) return queue.add(act);
    throw new AppError('unavailable', 'Too many people are signing in at this moment. Please try again.', {
      retryAfterSeconds: RETRY_SECONDS,
    });
  };
  const decoyHash = bcrypt.hash(randomBytes(16).toString('hex'), options.rounds);
  return {
    hash: async (password) => run(() => bcrypt.hash(digest(password), options.rounds)),
    verify: async (password, hash) => {
      const compared = hash ?? (await decoyHash);
      const isEqual = await run(() => bcrypt.compare(digest(password), compared));
      return isEqual && hash !== null;
    },
  };
}

function digest(password: string): string {
  return createHash('sha256').update(password).digest('base64');
}
