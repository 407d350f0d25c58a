import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { RateLimiter } from '#platform/ports/rate-limiter.js';
import { consumePoints } from './consume-points.js';

/** Counts in this process alone. */
export function createMemoryRateLimiter(): RateLimiter {
  return {
    createLimit: ({ name, points, windowMs }) => {
      const limiter = new RateLimiterMemory({ keyPrefix: name, points, duration: windowMs / 1000 });
      return { points, windowMs, consume: (key, cost = 1) => consumePoints(limiter, key, cost) };
    },
  };
}
