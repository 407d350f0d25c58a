import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '#platform/logger.js';
import type { RateLimit } from '#platform/ports/rate-limiter.js';
import { connectRedis, isRedisAway } from '#providers/redis/connect-redis.js';
import { eventually } from '#test/eventually.js';
import { type RedisServer, startRedis } from '#test/faults/start-redis.js';
import { createRedisRateLimiter } from './redis-rate-limiter.js';

const POINTS = 10;
const WINDOW_MS = 600_000;

let server: RedisServer;
let lines: string[];
let processes: { redis: Redis; limit: RateLimit }[];
let here: RateLimit;
let there: RateLimit;

/** A process of its own, as far as limits are concerned. */
async function startProcess(windowMs = WINDOW_MS): Promise<RateLimit> {
  const log = createLogger('debug', { write: (line) => void lines.push(line) });
  const redis = connectRedis({ url: server.url, log });
  const limit = createRedisRateLimiter({ redis, log }).createLimit({ name: 'all', points: POINTS, windowMs });
  processes.push({ redis, limit });
  await untilBack();
  return limit;
}

const untilBack = () =>
  eventually('Redis to be back', () => (processes.some(({ redis }) => isRedisAway(redis)) ? null : true));
const untilAway = () =>
  eventually('Redis to be away', () => (processes.every(({ redis }) => isRedisAway(redis)) ? true : null));

/** How many of `count` requests at once are allowed. */
async function allowedOf(limit: RateLimit, count: number, key = 'a'): Promise<number> {
  const states = await Promise.all(Array.from({ length: count }, () => limit.consume(key)));
  return states.filter(({ isAllowed }) => isAllowed).length;
}

async function scriptCalls(): Promise<number> {
  const statistics = String(await server.command('INFO', 'commandstats'));
  const calls = [...statistics.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, count]) =>
    Number(count),
  );
  return calls.reduce((sum, count) => sum + count, 0);
}

beforeEach(async () => {
  lines = [];
  processes = [];
  server = await startRedis();
  here = await startProcess();
  there = await startProcess();
});
afterEach(async () => {
  for (const { redis } of processes) redis.disconnect();
  await server.close();
});

describe('a rate limit in Redis', () => {
  it('is one limit for two processes', async () => {
    expect(await here.consume('a')).toMatchObject({ isAllowed: true, remaining: 9 });
    expect(await there.consume('a')).toMatchObject({ isAllowed: true, remaining: 8 });
    const both = await Promise.all([allowedOf(here, 20), allowedOf(there, 20)]);
    expect(both[0] + both[1]).toBe(8);
    const refused = await there.consume('a');
    expect(refused).toMatchObject({ isAllowed: false, remaining: 0 });
    expect(refused.msBeforeNext).toBeGreaterThan(WINDOW_MS / 2);
    expect(refused.msBeforeNext).toBeLessThanOrEqual(WINDOW_MS);
    expect(await there.consume('b')).toMatchObject({ isAllowed: true, remaining: 9 });
  });

  it('leaves nothing behind in Redis when the window has ended', async () => {
    const short = await startProcess(1_000);
    expect(await allowedOf(short, POINTS + 1)).toBe(POINTS);
    await eventually('the key to expire', async () => ((await server.command('DBSIZE')) === 0 ? true : null));
    // The process refuses from memory until the window has ended by its own clock, which began when it was told.
    const allowedAgain = await eventually('the window to end here', async () => {
      const allowed = await allowedOf(short, POINTS + 1);
      return allowed === 0 ? null : allowed;
    });
    expect(allowedAgain).toBe(POINTS);
  });

  it('goes on limiting while Redis is away, each process with what it has counted', async () => {
    expect(await allowedOf(here, 6)).toBe(6);
    expect(await allowedOf(there, 1)).toBe(1);
    await server.stop();
    await untilAway();
    expect(await here.consume('a')).toMatchObject({ isAllowed: true, remaining: 3 });
    expect(await allowedOf(here, 20)).toBe(3);
    expect(await allowedOf(there, 20)).toBe(9);
    await server.start();
    await untilBack();
    await eventually('the limit to be shared', async () => {
      const { remaining } = await here.consume('b');
      return (await there.consume('b')).remaining === remaining - 1 ? true : null;
    });
  });

  it('goes on limiting while Redis is stopped', async () => {
    await here.consume('a');
    await server.kill('SIGSTOP');
    expect(await allowedOf(here, 20)).toBe(POINTS - 1);
    await server.kill('SIGCONT');
    await untilBack();
  });

  it('goes on limiting when Redis refuses to write, says so once, and leaves it alone for a while', async () => {
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await allowedOf(here, 5)).toBe(5);
    const asked = await scriptCalls();
    expect(await allowedOf(here, 20)).toBe(5);
    const oneProbe = 1;
    expect(await scriptCalls()).toBeLessThanOrEqual(asked + oneProbe);
    expect(lines.filter((line) => line.includes('refuses to count'))).toHaveLength(1);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await eventually('the limit to be shared', async () => {
      await here.consume('b');
      return (await server.command('DBSIZE')) === 1 ? true : null;
    });
  });

  it('survives a Redis that was emptied', async () => {
    expect(await allowedOf(here, POINTS)).toBe(POINTS);
    await server.command('FLUSHALL');
    await server.command('SCRIPT', 'FLUSH');
    expect(await allowedOf(here, 5)).toBe(0);
    expect(await allowedOf(there, 20)).toBe(POINTS);
  });
});
