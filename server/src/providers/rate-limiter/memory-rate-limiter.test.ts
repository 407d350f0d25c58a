import { describe, expect, it } from 'vitest';
import { createMemoryRateLimiter } from './memory-rate-limiter.js';

describe('a rate limit in memory', () => {
  it('allows its points, then refuses until the window ends', async () => {
    const limit = createMemoryRateLimiter().createLimit({ name: 'all', points: 2, windowMs: 60_000 });
    const states = [await limit.consume('a'), await limit.consume('a'), await limit.consume('a')];
    expect(states.map(({ isAllowed, remaining }) => [isAllowed, remaining])).toEqual([
      [true, 1],
      [true, 0],
      [false, 0],
    ]);
    expect(states[0]?.msBeforeNext).toBe(60_000);
    expect(await limit.consume('b')).toMatchObject({ isAllowed: true, remaining: 1 });
  });

  it('counts the same key in each limit by itself', async () => {
    const limiter = createMemoryRateLimiter();
    const one = limiter.createLimit({ name: 'one', points: 1, windowMs: 60_000 });
    const other = limiter.createLimit({ name: 'other', points: 1, windowMs: 60_000 });
    await one.consume('a');
    expect(await other.consume('a')).toMatchObject({ isAllowed: true });
    expect(await one.consume('a')).toMatchObject({ isAllowed: false });
  });
});
