import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { eventually } from '../eventually.js';
import { countRows } from './chaos-cluster.js';
import { note, recordRecovery } from './recovery-times.js';
import { type ChaosOnPostgres, findBroken, startChaosOnPostgres } from './service-faults.js';
import { slowerThan, startTraffic } from './traffic.js';

const POOL_SIZE = 3;
const HELD_MS = 12_000;
const LOAD_PER_SECOND = 20;
/** 2 s for a free connection, and what two busy cores add. */
const REFUSED_MS = 5_000;
const SERVING_MS = 10_000;
/** Attempts to connect that were refused: no connection is free. */
const MANY = 50;

let chaos: ChaosOnPostgres;

beforeAll(async () => {
  chaos = await startChaosOnPostgres({ settings: { DATABASE_POOL_SIZE: String(POOL_SIZE) } });
});
afterAll(() => chaos.close());

interface Exhaustion {
  name: string;
  /** What holds a connection waits with it, as long as that lasts. */
  waiting: number;
  begin: () => Promise<() => Promise<void>>;
}

const exhaustions: Exhaustion[] = [
  {
    name: 'all connections of the processes wait for a lock',
    waiting: 2 * POOL_SIZE,
    begin: async () => {
      const client = new pg.Client({ connectionString: chaos.cluster.databaseUrl });
      await client.connect();
      await client.query('begin');
      await client.query('lock table projects, users, sessions in access exclusive mode');
      return async () => {
        await client.query('commit');
        await client.end();
      };
    },
  },
  {
    name: 'the server gives no more connections',
    waiting: 0,
    begin: async () => {
      const { server } = chaos.postgres;
      const clients: pg.Client[] = [];
      const state = { isOver: false };
      let refusedInARow = 0;
      const take = async () => {
        while (!state.isOver) {
          const client = new pg.Client({ connectionString: server.url });
          client.on('error', () => {});
          const isTaken = await client.connect().then(
            () => true,
            () => false,
          );
          refusedInARow = isTaken ? 0 : refusedInARow + 1;
          if (isTaken) clients.push(client);
          else await delay(20);
        }
      };
      // Whoever comes first gets what the processes lose.
      const taking = Array.from({ length: 8 }, take);
      const [first] = await eventually('a connection', () => (clients.length > 0 ? clients : null));
      const database = new URL(chaos.cluster.databaseUrl).pathname.slice(1);
      await eventually('the processes to have none', async () => {
        const ended = await first?.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
          [database],
        );
        return ended?.rowCount === 0 && refusedInARow > MANY ? true : null;
      });
      return async () => {
        state.isOver = true;
        await Promise.all(taking);
        await Promise.all(clients.map((client) => client.end()));
      };
    },
  },
];

it.each(exhaustions)(
  'is refused soon, with 503 and Retry-After, when $name',
  async ({ name, waiting, begin }) => {
    const { cluster, urls, accounts } = chaos;
    const recovery = recordRecovery(`${name}, and then no more -> serving`);
    const processes = cluster.nodes.map((node) => node.processId());
    const end = await begin();
    const traffic = startTraffic(chaos, {
      perSecond: LOAD_PER_SECOND,
      acts: ['ask', 'read', 'add', 'stream', 'login'],
    });
    await delay(HELD_MS / 2);
    for (const url of urls) {
      const health = await (await fetch(`${url}/health`)).json();
      expect(health).toMatchObject({ status: 'unavailable', parts: { database: { status: 'failed' } } });
      expect((await fetch(`${url}/health/ready`)).status).toBe(503);
      expect((await fetch(`${url}/health/live`)).status).toBe(200);
    }
    await delay(HELD_MS / 2);
    const held = [...traffic.samples];
    await end();
    const freedAt = performance.now();
    await Promise.all(
      urls.map(async (url, index) => {
        await eventually('an answer', async () =>
          (await accounts[index === 0 ? 0 : 1].ask(url)).status === 200 ? true : null,
        );
        expect(recovery.add(freedAt)).toBeLessThan(SERVING_MS);
      }),
    );
    await traffic.stop();
    recovery.print();
    note(`${name}: ${JSON.stringify(traffic.summary())}`);
    expect(held.length).toBeGreaterThan((LOAD_PER_SECOND * HELD_MS) / 1000 / 2);
    expect([...new Set(held.map(({ outcome }) => outcome))]).toEqual(['503']);
    const outcomes = new Set(traffic.samples.map(({ outcome }) => outcome));
    for (const outcome of ['200', '200 done', '200 error', '202', '503']) outcomes.delete(outcome);
    expect([...outcomes]).toEqual([]);
    const refused = traffic.samples.filter(({ outcome }) => outcome === '503');
    expect(slowerThan(refused, REFUSED_MS).length).toBeLessThanOrEqual(waiting);
    expect(await findBroken(chaos)).toEqual([]);
    expect(cluster.nodes.map((node) => node.processId())).toEqual(processes);
    expect(await countRows(cluster, `messages where status = 'failed' and cost <> 0`)).toBe(0);
  },
);
