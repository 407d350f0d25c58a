import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../eventually.js';
import { countRows } from './chaos-cluster.js';
import { note, recordRecovery } from './recovery-times.js';
import { type ChaosOnPostgres, startChaosOnPostgres } from './service-faults.js';
import { slowerThan, startTraffic } from './traffic.js';

const LOAD_PER_SECOND = 20;
const SERVING_MS = 10_000;
const RETRIED_MS = 30_000;
const BEFORE_MS = 2_000;
/** Long enough that what is under way ends without a database. */
const DOWN_MS = 2_000;

const recovery = recordRecovery('PostgreSQL restarted -> serving');
let chaos: ChaosOnPostgres;

beforeAll(async () => {
  chaos = await startChaosOnPostgres();
});
afterAll(async () => {
  recovery.print();
  await chaos.close();
});

it.each(['fast', 'immediate'] as const)(
  'survives a %s restart of PostgreSQL under load: 503 meanwhile, nothing half done',
  async (mode) => {
    const { cluster, accounts, urls, postgres } = chaos;
    const traffic = startTraffic(chaos, {
      perSecond: LOAD_PER_SECOND,
      acts: ['ask', 'read', 'add', 'stream', 'login'],
    });
    await delay(BEFORE_MS);
    await postgres.server.stop(mode);
    await delay(DOWN_MS);
    await postgres.server.start();
    const restartedAt = performance.now();
    await Promise.all(
      urls.map(async (url, index) => {
        await eventually('an answer', async () => {
          const { status } = await accounts[index === 0 ? 0 : 1].ask(url);
          return status === 200 ? true : null;
        });
        expect(recovery.add(restartedAt)).toBeLessThan(SERVING_MS);
      }),
    );
    await delay(BEFORE_MS);
    await traffic.stop();
    note(`a ${mode} restart under load: ${JSON.stringify(traffic.summary())}`);
    const outcomes = new Set(traffic.samples.map(({ outcome }) => outcome));
    expect([...outcomes].filter((outcome) => !isExpected(outcome))).toEqual([]);
    expect(slowerThan(traffic.samples, SERVING_MS)).toEqual([]);

    // Whoever was refused tries again with the same key, and is served.
    const refused = traffic.samples.filter(({ act, outcome }) => outcome === '503' && act !== 'stream');
    const statuses = await Promise.all(
      refused.map(({ retry }) =>
        eventually(
          'a retry with the same key to be served',
          async () => {
            const { status } = await retry();
            return status === 409 ? null : status;
          },
          RETRIED_MS,
        ).catch(() => 409),
      ),
    );
    expect(statuses.filter((status) => status >= 300)).toEqual([]);
    expect(await chaos.findBroken()).toEqual([]);
    expect(await countRows(cluster, `sources where status <> 'ready'`)).toBe(0);
    expect(await countRows(cluster, `messages where status = 'failed' and cost <> 0`)).toBe(0);
  },
);

function isExpected(outcome: string): boolean {
  return ['200', '201', '202', '503', '200 done', '200 error'].includes(outcome);
}
