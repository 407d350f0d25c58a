import type { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { Logger } from '#platform/logger.js';
import type { RateLimitOptions, RateLimiter, RateLimitState } from '#platform/ports/rate-limiter.js';
import { isRedisAway } from '#providers/redis/connect-redis.js';
import { consumePoints } from './consume-points.js';
import { createMemoryRateLimiter } from './memory-rate-limiter.js';

/** After a failure one request in this time asks Redis again, and the others are spared the wait. */
const PROBE_EVERY_MS = 1_000;
const KEY_PREFIX = 'botbase:limit';

/**
 * Counts in Redis, so that any number of processes keep one limit. Each process counts its own share as well and
 * goes by that while Redis is away: it goes on limiting, with what it has seen so far, and waits for nobody.
 */
export function createRedisRateLimiter(options: { redis: Redis; log: Logger }): RateLimiter {
  const { redis } = options;
  const circuit = createCircuit(options.log);
  const memory = createMemoryRateLimiter();
  return {
    createLimit: (limit) => {
      const { points, windowMs } = limit;
      const own = memory.createLimit(limit);
      const shared = sharedLimiter(redis, limit);
      return {
        points,
        windowMs,
        consume: async (key, cost = 1) => {
          const counted = await own.consume(key, cost);
          if (isRedisAway(redis) || !circuit.mayAsk()) return counted;
          return (await circuit.ask(() => consumePoints(shared, key, cost))) ?? counted;
        },
      };
    },
  };
}

function sharedLimiter(redis: Redis, { name, points, windowMs }: RateLimitOptions): RateLimiterRedis {
  return new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `${KEY_PREFIX}:${name}`,
    points,
    // Whole seconds: the library cuts off what is beyond them.
    duration: Math.ceil(windowMs / 1000),
    // Who has used up a window is refused from memory for the rest of it: a flood does not reach Redis.
    inMemoryBlockOnConsumed: points,
  });
}

/** Half-open by time: after a failure one call per `PROBE_EVERY_MS` goes through, until one succeeds. */
function createCircuit(log: Logger) {
  let retryAt: number | null = null;
  return {
    mayAsk: (): boolean => {
      if (retryAt === null) return true;
      const now = performance.now();
      if (now < retryAt) return false;
      retryAt = now + PROBE_EVERY_MS;
      return true;
    },
    /** @returns null when Redis failed */
    ask: async (consume: () => Promise<RateLimitState>): Promise<RateLimitState | null> => {
      try {
        const state = await consume();
        retryAt = null;
        return state;
      } catch (error) {
        // That the connection is lost is told by who holds it; this is a Redis that answers and refuses.
        const isRefusal = error instanceof Error && error.name === 'ReplyError';
        if (isRefusal && retryAt === null) {
          log.warn(
            { reason: error.message },
            'Redis refuses to count requests: this process limits by itself',
          );
        }
        retryAt = performance.now() + PROBE_EVERY_MS;
        return null;
      }
    },
  };
}
