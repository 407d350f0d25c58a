import { randomInt } from 'node:crypto';
import pg from 'pg';
import { eventually } from '../eventually.js';

/** A write that does not go on, so that whoever does it is caught at that very statement. */
export interface RowGate {
  /** The port that the process which waits has its connection from. */
  whenWaited: () => Promise<number>;
  /** Lets who waits go on, and others pass. */
  open: () => Promise<void>;
}

/**
 * Holds up the first that writes, by a trigger that waits for a lock which the gate has; all others pass.
 * @param when of which rows, in SQL of `old` and `new`. Null: of any, and before the statement locks one
 */
export async function gateRows(
  databaseUrl: string,
  write: { table: string; event: 'update' | 'delete'; when: string | null },
): Promise<RowGate> {
  const { table, event, when } = write;
  const gate = randomInt(1, 2 ** 30);
  const turn = gate + 1;
  const name = `gate_${gate}`;
  const client = new pg.Client({ connectionString: databaseUrl });
  // Its database may go before it does.
  client.on('error', () => {});
  await client.connect();
  await client.query('select pg_advisory_lock($1::bigint)', [gate]);
  await client.query(`
    create function ${name}() returns trigger language plpgsql as $$
    begin
      if pg_try_advisory_xact_lock(${turn}) then
        perform pg_advisory_xact_lock_shared(${gate});
      end if;
      return new;
    end $$`);
  const rows = when === null ? 'for each statement' : `for each row when (${when})`;
  await client.query(`create trigger ${name} before ${event} on ${table} ${rows} execute function ${name}()`);
  return {
    whenWaited: () =>
      eventually(`somebody to ${event} rows of ${table}`, async () => {
        const { rows: waiting } = await client.query<{ client_port: number }>(
          `select client_port from pg_locks join pg_stat_activity using (pid)
           where locktype = 'advisory' and objid = $1 and not granted and client_port > 0 limit 1`,
          [gate],
        );
        return waiting[0]?.client_port ?? null;
      }),
    open: async () => {
      await client.query('select pg_advisory_unlock($1::bigint)', [gate]);
      await client.query(`drop trigger ${name} on ${table}`);
      await client.query(`drop function ${name}()`);
      await client.end();
    },
  };
}
