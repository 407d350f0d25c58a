import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { eventually } from '../eventually.js';
import { messageOf } from './chaos-account.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';

const ROUNDS = 10;

let chaos: Chaos;

beforeAll(async () => {
  chaos = await startChaos();
});
afterAll(() => chaos.close());

const readDeadlocks = async () => {
  const [row] = await chaos.cluster.query(
    'select deadlocks::int from pg_stat_database where datname = current_database()',
  );
  return Number(row?.['deadlocks']);
};

/** Somebody who takes the rows of a question in the other order, and waits longer than the API before it gives up. */
async function cross(projectId: string, conversationId: string): Promise<{ finish: () => Promise<void> }> {
  const client = new pg.Client({ connectionString: chaos.cluster.databaseUrl });
  await client.connect();
  await client.query(`set deadlock_timeout = '60s'`);
  await client.query('begin');
  await client.query('select 1 from projects where id = $1 for update', [projectId]);
  const waited = eventually('the question to wait for the project', async () => {
    const { rows } = await client.query(
      `select 1 from pg_stat_activity where datname = current_database() and pg_backend_pid() = any (pg_blocking_pids(pid))`,
    );
    return rows.length > 0 ? true : null;
  });
  return {
    finish: async () => {
      await waited;
      await client.query('select 1 from conversations where id = $1 for update', [conversationId]);
      await client.query('commit');
      await client.end();
    },
  };
}

it('a question whose transaction is the victim of a deadlock is asked again, and nobody sees that', async () => {
  const { cluster, accounts, urls } = chaos;
  const callsBefore = chaos.countCalls('chat/completions');
  const deadlocksBefore = await readDeadlocks();
  const [account] = accounts;
  const projectId = account.project.slice('/v1/projects/'.length);
  const first = await account.ask(urls[0]);
  const { conversationId } = z.object({ conversationId: z.string() }).parse(first.json());
  for (let round = 0; round < ROUNDS; round += 1) {
    const other = await cross(projectId, conversationId);
    const asked = account.ask(urls[round % 2 === 0 ? 0 : 1], { conversationId });
    await other.finish();
    const reply = await asked;
    expect(reply.status).toBe(200);
    expect(messageOf(reply).content).not.toBe('');
  }
  await eventually('the statistics', async () =>
    (await readDeadlocks()) - deadlocksBefore >= ROUNDS ? true : null,
  );
  expect(await countRows(cluster, 'messages where conversation_id = $1', [conversationId])).toBe(
    2 * (1 + ROUNDS),
  );
  const audits = `audit_logs where action = 'message.send' and resource_id::text = $1`;
  expect(await countRows(cluster, audits, [conversationId])).toBe(1 + ROUNDS);
  expect(chaos.countCalls('chat/completions') - callsBefore).toBe(1 + ROUNDS);
  expect(await chaos.findBroken()).toEqual([]);
});
