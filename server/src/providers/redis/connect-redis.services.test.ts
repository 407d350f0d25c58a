import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#platform/logger.js';
import { eventually } from '#test/eventually.js';
import { type RedisServer, startRedis } from '#test/faults/start-redis.js';
import { connectRedis, isRedisAway } from './connect-redis.js';

let server: RedisServer;
let lines: string[];
const open: Redis[] = [];
beforeEach(async () => {
  lines = [];
  server = await startRedis();
});
afterEach(async () => {
  for (const redis of open.splice(0)) redis.disconnect();
  await server.close();
});

function connect(url = server.url): Redis {
  const redis = connectRedis({ url, log: createLogger('debug', { write: (line) => void lines.push(line) }) });
  open.push(redis);
  return redis;
}

const untilBack = (redis: Redis) => eventually('Redis to be back', () => (isRedisAway(redis) ? null : true));
const untilAway = (redis: Redis) => eventually('Redis to be away', () => (isRedisAway(redis) ? true : null));
const logged = () =>
  lines.map((line) => {
    const { level, msg } = JSON.parse(line) as { level: string; msg: string };
    return `${level}: ${msg.split(':')[0]}`;
  });

/** Waits for a number of attempts to connect, whatever becomes of them. */
async function attempts(redis: Redis, count: number): Promise<void> {
  let made = 0;
  redis.on('close', () => (made += 1));
  await eventually(`${count} attempts`, () => (made >= count ? true : null));
}

describe('a connection to Redis', () => {
  it('starts without a server, fails at once, finds it later, and says each once', async () => {
    await server.stop();
    const redis = connect();
    expect(isRedisAway(redis)).toBe(true);
    await attempts(redis, 3);
    await expect(redis.get('name')).rejects.toThrow('enableOfflineQueue');
    await server.start();
    await untilBack(redis);
    expect(await redis.set('name', 'Ada')).toBe('OK');
    expect(logged()).toEqual(['warn: Redis is away', 'info: Redis is back']);
  });

  it('gives up a stopped server, and comes back when that goes on', async () => {
    const redis = connect();
    await untilBack(redis);
    await server.kill('SIGSTOP');
    await expect(redis.get('name')).rejects.toThrow(/timed out|max retries/);
    await untilAway(redis);
    await attempts(redis, 1);
    await expect(redis.get('name')).rejects.toThrow('enableOfflineQueue');
    await server.kill('SIGCONT');
    await untilBack(redis);
    expect(await redis.get('name')).toBeNull();
    expect(logged()).toEqual(['warn: Redis is away', 'info: Redis is back']);
  });

  it('outlives restarts', async () => {
    const redis = connect();
    await untilBack(redis);
    for (let restart = 0; restart < 2; restart += 1) {
      await server.restart();
      await untilBack(redis);
      expect(await redis.incr('restarts')).toBe(restart + 1);
    }
  });

  it('says why it is refused, and never the password', async () => {
    await server.command('ACL', 'SETUSER', 'ada', 'on', '>the-right-one', '~*', '&*', '+@all');
    const url = new URL(server.url);
    url.username = 'ada';
    url.password = 'the-wrong-one';
    const redis = connect(url.href);
    await attempts(redis, 3);
    expect(logged()).toEqual(['warn: Redis is away']);
    expect(lines.join('')).toContain('WRONGPASS');
    expect(lines.join('')).not.toContain('the-wrong-one');
  });

  it('says nothing when it is closed on purpose', async () => {
    const redis = connect();
    await untilBack(redis);
    const closed = new Promise((resolve) => redis.once('end', resolve));
    redis.disconnect();
    await closed;
    expect(lines).toEqual([]);
  });
});
