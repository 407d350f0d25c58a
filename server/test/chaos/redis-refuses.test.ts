import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { findPort } from '../faults/find-port.js';
import { eventually } from '../eventually.js';
import { countRows } from './chaos-cluster.js';
import { note, recordRecovery } from './recovery-times.js';
import { type ChaosOnRedis, countRings, startChaosOnRedis } from './service-faults.js';
import { HANG_MS, findUnserved, slowerThan, startTraffic } from './traffic.js';

const REFUSING_MS = 12_000;
const LOAD_PER_SECOND = 20;
const READY_MS = 15_000;

let chaos: ChaosOnRedis;

beforeAll(async () => {
  chaos = await startChaosOnRedis();
});
afterAll(() => chaos.close());

const refusals: {
  name: string;
  error: RegExp;
  begin: () => Promise<unknown>;
  end: () => Promise<unknown>;
}[] = [
  {
    name: 'has no memory left',
    error: /^OOM /,
    begin: () => chaos.redis.server.command('CONFIG', 'SET', 'maxmemory', '1'),
    end: () => chaos.redis.server.command('CONFIG', 'SET', 'maxmemory', '0'),
  },
  {
    name: 'has become a replica',
    error: /^READONLY /,
    begin: async () => chaos.redis.server.command('REPLICAOF', '127.0.0.1', String(await findPort())),
    end: () => chaos.redis.server.command('REPLICAOF', 'NO', 'ONE'),
  },
];

it.each(refusals)('everything is taken and done while Redis $name', async ({ name, error, begin, end }) => {
  const { cluster, accounts, urls, redis } = chaos;
  const working = recordRecovery(`Redis ${name} -> a job done`);
  const traffic = startTraffic(chaos, {
    perSecond: LOAD_PER_SECOND,
    acts: ['ask', 'read', 'add', 'stream', 'login'],
  });
  await delay(2_000);
  await begin();
  await expect(redis.server.command('SET', 'any', 'thing')).rejects.toThrow(error);
  const begunAt = performance.now();
  for (const url of urls) {
    const sourceId = await accounts[0].addText(url, `Pier ${url}`, `Pier ${url} ${name}.`);
    await eventually('the source to be ready', async () =>
      (await accounts[0].findStatus(urls[0], sourceId)) === 'ready' ? true : null,
    );
    expect(working.add(begunAt)).toBeLessThan(2 * READY_MS);
  }
  await delay(REFUSING_MS);
  await end();
  await delay(2_000);
  await traffic.stop();
  working.print();
  note(`Redis ${name}: ${JSON.stringify(traffic.summary())}`);
  expect(findUnserved(traffic.samples)).toEqual([]);
  expect(slowerThan(traffic.samples, HANG_MS)).toEqual([]);
  expect(await chaos.findBroken()).toEqual([]);
  expect(await countRows(cluster, `sources where status <> 'ready'`)).toBe(0);

  // The bell is used again, and answered.
  await accounts[1].addText(urls[1], `After ${name}`, `After ${name}.`);
  await eventually('the last ring to be answered', async () => {
    const queued = await countRows(cluster, `jobs where status in ('queued', 'running')`);
    return queued === 0 && (await countRings(redis.server)) === 0 ? true : null;
  });
});
