import type { Redis } from 'ioredis';
import type { Context } from '#platform/context.js';
import type { JobBell } from '#platform/ports/job-bell.js';
import { createMemoryDefinitionCache } from '#providers/definition-cache/memory-definition-cache.js';
import { createRedisDefinitionCache } from '#providers/definition-cache/redis-definition-cache.js';
import { createBullMqJobBell } from '#providers/job-bell/bullmq-job-bell.js';
import { createInMemoryLiveStreams } from '#providers/live-streams/in-memory-live-streams.js';
import { observeLiveStreams } from '#providers/live-streams/observed-live-streams.js';
import { createRedisLiveStreams } from '#providers/live-streams/redis-live-streams.js';
import { createMemoryRateLimiter } from '#providers/rate-limiter/memory-rate-limiter.js';
import { createRedisRateLimiter } from '#providers/rate-limiter/redis-rate-limiter.js';
import { connectRedis } from '#providers/redis/connect-redis.js';

/** What processes share beside the database. */
export interface SharedState extends Pick<Context, 'streams' | 'limiter' | 'definitions' | 'dispatchJob'> {
  redis: Redis | null;
  /** Null: no Redis; workers look for jobs by themselves. */
  bell: JobBell | null;
  close: () => Promise<void>;
}

/** Shared through Redis where there is one; else each part is this process's own. */
export function openRedis({
  config,
  log,
  metrics,
  processId,
}: Pick<Context, 'config' | 'log' | 'metrics' | 'processId'>): SharedState {
  const ownStreams = observeLiveStreams(
    createInMemoryLiveStreams({ onFailure: (error) => log.error({ err: error }, 'a stream failed') }),
    metrics,
  );
  if (config.redisUrl === null) {
    const limiter = createMemoryRateLimiter();
    const close = async () => {};
    const definitions = createMemoryDefinitionCache();
    return {
      redis: null,
      bell: null,
      streams: ownStreams,
      limiter,
      definitions,
      dispatchJob: () => {},
      close,
    };
  }
  const redis = connectRedis({ url: config.redisUrl, log });
  const bell = createBullMqJobBell({ redis });
  const streams = createRedisLiveStreams({ redis, processId, local: ownStreams });
  const definitions = createRedisDefinitionCache({ redis });
  return {
    redis,
    bell,
    streams,
    definitions,
    limiter: createRedisRateLimiter({ redis, log }),
    // What cannot be rung for now is rung for by the relay of a worker.
    dispatchJob: (ring) => void bell.ring([ring]).catch(() => {}),
    close: async () => {
      await bell.close();
      streams.close();
      definitions.close();
      redis.disconnect();
    },
  };
}
