import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '#platform/logger.js';
import { createInMemoryLiveStreams } from '#providers/live-streams/in-memory-live-streams.js';
import {
  type SharedLiveStreams,
  createRedisLiveStreams,
} from '#providers/live-streams/redis-live-streams.js';
import { connectRedis, isRedisAway } from '#providers/redis/connect-redis.js';
import { eventually } from '#test/eventually.js';
import { type RedisServer, startRedis } from '#test/faults/start-redis.js';
import {
  REPLY,
  type TwoServers,
  allOf,
  eventsOf,
  nextOf,
  startTwoServers,
  textOf,
} from '#test/two-servers.js';

let redisServer: RedisServer;
let servers: TwoServers;
const connections: Redis[] = [];
const shared: SharedLiveStreams[] = [];

function connectStreams(): SharedLiveStreams {
  const redis = connectRedis({
    url: redisServer.url,
    log: createLogger('error', { write: () => {} }),
  });
  const local = createInMemoryLiveStreams({ onFailure: () => {} });
  const streams = createRedisLiveStreams({ redis, processId: randomUUID(), local });
  connections.push(redis);
  shared.push(streams);
  return streams;
}

const untilBack = () => eventually('Redis to be back', () => (connections.some(isRedisAway) ? null : true));

beforeAll(async () => {
  redisServer = await startRedis();
  servers = await startTwoServers([connectStreams(), connectStreams()]);
  await untilBack();
});
afterAll(async () => {
  await servers.close();
  for (const streams of shared) streams.close();
  for (const redis of connections) redis.disconnect();
  await redisServer.close();
});

describe('an answer that another process writes', () => {
  it('is followed live', async () => {
    const { gate, messageId, seen } = await servers.startAnswer();
    const resumed = eventsOf(await servers.resume(messageId, 1));
    const replayed = await nextOf(resumed);
    expect(replayed).toEqual(seen);
    gate.release(2);
    const live = await nextOf(resumed);
    expect(live.name).toBe('delta');
    gate.open();
    const rest = await allOf(resumed);
    expect(textOf([replayed, live, ...rest])).toBe(REPLY);
    expect(rest.at(-1)).toMatchObject({ name: 'done', data: { message: { status: 'complete' } } });
  });

  it('is stopped from here', async () => {
    const { messageId, events } = await servers.startAnswer();
    expect((await servers.stop('second', messageId)).status).toBe(204);
    expect((await allOf(events)).at(-1)).toMatchObject({
      name: 'done',
      data: { message: { status: 'incomplete' } },
    });
  });

  it.each(['SIGSTOP', 'SIGKILL'] as const)(
    'is read to its end when Redis gets %s meanwhile',
    async (signal) => {
      const { gate, messageId, seen } = await servers.startAnswer();
      const resumed = eventsOf(await servers.resume(messageId, 1));
      expect(await nextOf(resumed)).toEqual(seen);
      await redisServer.kill(signal);
      expect((await servers.stop('second', messageId)).status).toBe(503);
      gate.open();
      const rest = await allOf(resumed);
      expect(textOf([seen, ...rest])).toBe(REPLY);
      expect(rest.at(-1)?.name).toBe('done');
      await (signal === 'SIGSTOP' ? redisServer.kill('SIGCONT') : redisServer.start());
      await untilBack();
    },
  );
});
