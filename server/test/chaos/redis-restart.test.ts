import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../eventually.js';
import { countRows } from './chaos-cluster.js';
import { note, recordRecovery } from './recovery-times.js';
import { type ChaosOnRedis, startChaosOnRedis } from './service-faults.js';
import { HANG_MS, findUnserved, reasonsIn, slowerThan, startTraffic } from './traffic.js';

const ROUNDS = 3;
const LOAD_PER_SECOND = 20;
const RESUMED_MS = 15_000;
const BEFORE_MS = 2_000;

let chaos: ChaosOnRedis;

beforeAll(async () => {
  chaos = await startChaosOnRedis();
});
afterAll(() => chaos.close());

/** Half of the rounds end it as a crash does. */
it('answers on while Redis restarts under load, and jobs go on', async () => {
  const { cluster, accounts, urls, redis } = chaos;
  const recovery = recordRecovery('Redis restarted -> a job done that was added after it');
  const traffic = startTraffic(chaos, {
    perSecond: LOAD_PER_SECOND,
    acts: ['ask', 'read', 'add', 'stream', 'login'],
  });
  for (let round = 0; round < ROUNDS; round += 1) {
    await delay(BEFORE_MS);
    if (round % 2 === 0) await redis.server.stop();
    else await redis.server.kill('SIGKILL');
    await redis.server.start();
    const restartedAt = performance.now();
    const sourceId = await accounts[0].addText(
      urls[round % 2 === 0 ? 0 : 1],
      `Round ${round}`,
      `Round ${round}.`,
    );
    await eventually('the source to be ready', async () =>
      (await accounts[0].findStatus(urls[0], sourceId)) === 'ready' ? true : null,
    );
    expect(recovery.add(restartedAt)).toBeLessThan(RESUMED_MS);
  }
  await traffic.stop();
  recovery.print();
  note(`Redis restarts under load: ${JSON.stringify(traffic.summary())}`);
  note(JSON.stringify(reasonsIn(cluster.logLines())));
  // Nothing of it needs Redis.
  expect(findUnserved(traffic.samples)).toEqual([]);
  expect(slowerThan(traffic.samples, HANG_MS)).toEqual([]);
  expect(await chaos.findBroken()).toEqual([]);
  expect(await countRows(cluster, `sources where status <> 'ready'`)).toBe(0);
  expect(await countRows(cluster, 'jobs where attempts <> 1')).toBe(0);
});
