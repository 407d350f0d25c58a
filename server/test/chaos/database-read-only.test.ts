import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../eventually.js';
import { countRows } from './chaos-cluster.js';
import { note, recordRecovery } from './recovery-times.js';
import { type ChaosOnPostgres, startChaosOnPostgres } from './service-faults.js';
import { slowerThan, startTraffic } from './traffic.js';

const READ_ONLY_MS = 8_000;
const LOAD_PER_SECOND = 20;
const SERVING_MS = 10_000;

let chaos: ChaosOnPostgres;

beforeAll(async () => {
  chaos = await startChaosOnPostgres();
});
afterAll(() => chaos.close());

const WRITES = ['login', 'ask', 'stream', 'add'];

it('reads on and refuses writes while PostgreSQL is read-only, and recovers by itself', async () => {
  const { cluster, accounts, urls, postgres } = chaos;
  const recovery = recordRecovery('PostgreSQL writable again -> writing');
  const state = () =>
    cluster.query(`select (select count(*)::int from messages) as messages,
      (select count(*)::int from sources) as sources, (select count(*)::int from jobs) as jobs,
      (select count(*)::int from refresh_tokens) as tokens, (select count(*)::int from audit_logs) as audits`);
  await postgres.server.query('alter system set default_transaction_read_only = on');
  await postgres.server.query('select pg_reload_conf()');
  await eventually('PostgreSQL to be read-only', async () => {
    const [row] = await cluster.query('show default_transaction_read_only');
    return row?.['default_transaction_read_only'] === 'on' ? true : null;
  });
  // Connections that are busy hear of it when they are not.
  await delay(1_000);
  const before = await state();
  const traffic = startTraffic(chaos, {
    perSecond: LOAD_PER_SECOND,
    acts: ['ask', 'read', 'add', 'stream', 'login'],
  });
  await delay(READ_ONLY_MS);
  await traffic.stop();
  note(`PostgreSQL read-only: ${JSON.stringify(traffic.summary())}`);
  for (const act of WRITES) {
    const outcomes = traffic.samples.filter((sample) => sample.act === act).map(({ outcome }) => outcome);
    expect([act, ...new Set(outcomes)]).toEqual([act, '503']);
  }
  const reads = traffic.samples.filter(({ act }) => act === 'read').map(({ outcome }) => outcome);
  expect([...new Set(reads)]).toEqual(['200']);
  expect(slowerThan(traffic.samples, 5_000)).toEqual([]);
  expect(await state()).toEqual(before);

  await postgres.server.query('alter system reset default_transaction_read_only');
  await postgres.server.query('select pg_reload_conf()');
  const resetAt = performance.now();
  await Promise.all(
    urls.map(async (url, index) => {
      await eventually('an answer', async () =>
        (await accounts[index === 0 ? 0 : 1].ask(url)).status === 200 ? true : null,
      );
      expect(recovery.add(resetAt)).toBeLessThan(SERVING_MS);
    }),
  );
  recovery.print();
  const refused = traffic.samples.filter(({ act }) => act !== 'read');
  const again = await Promise.all(refused.map(({ retry }) => retry()));
  expect(again.map(({ status }) => status).filter((status) => status >= 300)).toEqual([]);
  expect(await chaos.findBroken()).toEqual([]);
  expect(await countRows(cluster, `sources where status <> 'ready'`)).toBe(0);
});
