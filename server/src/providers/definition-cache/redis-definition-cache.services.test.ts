import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#platform/logger.js';
import { connectRedis } from '#providers/redis/connect-redis.js';
import { eventually } from '#test/eventually.js';
import { type RedisServer, startRedis } from '#test/faults/start-redis.js';
import { UNTOLD_TTL_MS } from './memory-definition-cache.js';
import { type SharedDefinitionCache, createRedisDefinitionCache } from './redis-definition-cache.js';

interface Peer {
  redis: Redis;
  cache: SharedDefinitionCache;
  time: { ms: number };
}

let server: RedisServer;
let here: Peer;
let there: Peer;

function startPeer(): Peer {
  const redis = connectRedis({ url: server.url, log: createLogger('error', { write: () => {} }) });
  const time = { ms: 0 };
  return { redis, time, cache: createRedisDefinitionCache({ redis, nowMs: () => time.ms }) };
}

const ask = ({ cache }: Peer, value: string) => cache.fetch('plans', async () => value);
const told = ({ cache }: Peer) =>
  eventually('changes to be heard of', async () => (cache.isTold() ? true : null));
const untold = ({ cache }: Peer) =>
  eventually('the loss to be noticed', async () => (cache.isTold() ? null : true));

beforeEach(async () => {
  server = await startRedis();
  here = startPeer();
  there = startPeer();
  await told(here);
  await told(there);
});
afterEach(async () => {
  for (const { cache, redis } of [here, there]) {
    cache.close();
    redis.disconnect();
  }
  await server.close();
});

describe('a change', () => {
  it('is heard of by every process, which else keeps what it has for long', async () => {
    await ask(there, 'old');
    there.time.ms += UNTOLD_TTL_MS;
    expect(await ask(there, 'unread')).toBe('old');
    here.cache.drop();
    expect(
      await eventually('the message', async () => ((await ask(there, 'new')) === 'new' ? true : null)),
    ).toBe(true);
  });

  it('is not overlooked while Redis was away', async () => {
    await ask(there, 'old');
    await server.stop();
    await untold(there);
    here.cache.drop();
    expect(await ask(there, 'unread')).toBe('old');
    there.time.ms += UNTOLD_TTL_MS;
    expect(await ask(there, 'new')).toBe('new');
    await server.start();
    await told(there);
    expect(await ask(there, 'newer')).toBe('newer');
  });
});
