import bcrypt from 'bcrypt';
import { describe, expect, it } from 'vitest';
import { HASHES_AT_ONCE, createBcryptPasswordHasher } from './bcrypt-password-hasher.js';

const ROUNDS = 4;
/** Those at work and sixty in the queue. */
const CAPACITY = HASHES_AT_ONCE + 60;

const hasher = createBcryptPasswordHasher({ rounds: ROUNDS });

describe('a password hash', () => {
  it('is bcrypt with the rounds it was told, salted anew each time, without the password in it', async () => {
    const [first, second] = await Promise.all([hasher.hash('correct horse'), hasher.hash('correct horse')]);
    expect(bcrypt.getRounds(first)).toBe(ROUNDS);
    expect(first).toMatch(/^\$2b\$04\$.{53}$/);
    expect(first).not.toBe(second);
    expect(await bcrypt.compare('correct horse', first)).toBe(false);
  });

  it.each([
    ['an ordinary one', 'correct horse', 'correct horsf'],
    ['an empty one', '', ' '],
    ['100 bytes that differ in the last', `${'p'.repeat(99)}1`, `${'p'.repeat(99)}2`],
    ['256 characters of several bytes that differ in the last', `${'ü'.repeat(255)}x`, `${'ü'.repeat(255)}y`],
    ['bytes after a NUL', 'a\0b', 'a\0c'],
    ['composed and decomposed accents', '\u00e9', 'e\u0301'],
  ])('is matched by its password alone: %s', async (_what, password, other) => {
    const hash = await hasher.hash(password);
    expect(await hasher.verify(password, hash)).toBe(true);
    expect(await hasher.verify(other, hash)).toBe(false);
  });

  it('is matched by nothing where there is no account', async () => {
    expect(await hasher.verify('correct horse', null)).toBe(false);
    expect(await hasher.verify('', null)).toBe(false);
  });
});

describe('the queue', () => {
  it('refuses with `unavailable` beyond its bound, serves those who wait, and is open again afterwards', async () => {
    const bounded = createBcryptPasswordHasher({ rounds: ROUNDS });
    const served = Array.from({ length: CAPACITY }, () => bounded.hash('correct horse'));
    await expect(bounded.hash('one too many')).rejects.toMatchObject({
      name: 'AppError',
      code: 'unavailable',
      retryAfterSeconds: 5,
    });
    expect(new Set(await Promise.all(served)).size).toBe(CAPACITY);
    expect(await bounded.verify('correct horse', await bounded.hash('correct horse'))).toBe(true);
  });
});
