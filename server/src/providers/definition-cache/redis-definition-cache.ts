import type { Redis } from 'ioredis';
import type { DefinitionCache } from '#platform/ports/definition-cache.js';
import { duplicateRedis } from '#providers/redis/connect-redis.js';
import { UNTOLD_TTL_MS, createMemoryDefinitionCache } from './memory-definition-cache.js';

const CHANNEL = 'botbase:definitions:1';
/** A message may be lost all the same, where its sender could not reach Redis: nothing is older than this. */
const TOLD_TTL_MS = 60_000;

export interface SharedDefinitionCache extends DefinitionCache {
  /** Whether changes of other processes are heard of. */
  isTold(): boolean;
  close(): void;
}

/**
 * A cache in the memory of this process that is dropped by a message from any process. While Redis is away, it looks
 * again as often as one without Redis does.
 */
export function createRedisDefinitionCache(options: {
  redis: Redis;
  nowMs?: () => number;
}): SharedDefinitionCache {
  const { redis, ...clock } = options;
  const subscriber = duplicateRedis(redis);
  const state = { isTold: false };
  const ttlMs = () => (state.isTold ? TOLD_TTL_MS : UNTOLD_TTL_MS);
  const own = createMemoryDefinitionCache({ ttlMs, ...clock });
  subscriber.on('ready', () => {
    subscriber.subscribe(CHANNEL).then(
      () => {
        state.isTold = true;
        // What was said in the meantime was not heard.
        own.drop();
      },
      // The connection has gone again, and comes back by itself.
      () => subscriber.disconnect(true),
    );
  });
  subscriber.on('close', () => {
    state.isTold = false;
  });
  subscriber.on('message', () => own.drop());
  return {
    ...own,
    drop: () => {
      own.drop();
      redis.publish(CHANNEL, 'dropped').catch(() => {});
    },
    isTold: () => state.isTold,
    close: () => subscriber.disconnect(),
  };
}
