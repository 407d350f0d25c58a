import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
import type { RateLimitState } from '#platform/ports/rate-limiter.js';

/** The library throws its result where the limit is exceeded. @throws what the store throws */
export async function consumePoints(
  limiter: RateLimiterAbstract,
  key: string,
  cost: number,
): Promise<RateLimitState> {
  try {
    return stateOf(await limiter.consume(key, cost), true);
  } catch (exceeded) {
    if (!(exceeded instanceof RateLimiterRes)) throw exceeded;
    return stateOf(exceeded, false);
  }
}

function stateOf({ remainingPoints, msBeforeNext }: RateLimiterRes, isAllowed: boolean): RateLimitState {
  return { isAllowed, remaining: Math.max(0, remainingPoints), msBeforeNext: Math.max(0, msBeforeNext) };
}
