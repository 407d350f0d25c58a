import { randomInt } from 'node:crypto';
import pg from 'pg';
import { eventually } from '../eventually.js';

/** A write to certain rows that does not go on, so that whoever does it is caught at that very statement. */
export interface RowGate {
  /** The port that the process which waits has its connection from. */
  whenWaited: () => Promise<number>;
  /** Lets who waits go on, and others pass. */
  open: () => Promise<void>;
}

/**
 * Holds up whoever writes such rows, by a trigger that waits for a lock which the gate has.
 * @param when of SQL, of `old` and `new`; without placeholders
 */
export async function gateRows(
  databaseUrl: string,
  rows: { table: string; event: 'insert' | 'update' | 'delete'; when: string },
): Promise<RowGate> {
  const key = randomInt(1, 2 ** 31 - 1);
  const name = `gate_${key}`;
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('select pg_advisory_lock($1::bigint)', [key]);
  const row = rows.event === 'delete' ? 'old' : 'new';
  await client.query(`
    create function ${name}() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock_shared(${key});
      return ${row};
    end $$`);
  await client.query(
    `create trigger ${name} before ${rows.event} on ${rows.table}
     for each row when (${rows.when}) execute function ${name}()`,
  );
  return {
    whenWaited: () =>
      eventually(`somebody to ${rows.event} rows of ${rows.table}`, async () => {
        const { rows: waiting } = await client.query<{ client_port: number }>(
          `select client_port from pg_locks join pg_stat_activity using (pid)
           where locktype = 'advisory' and objid = $1 and not granted and client_port > 0 limit 1`,
          [key],
        );
        return waiting[0]?.client_port ?? null;
      }),
    open: async () => {
      await client.query('select pg_advisory_unlock($1::bigint)', [key]);
      await client.query(`drop trigger ${name} on ${rows.table}`);
      await client.query(`drop function ${name}()`);
      await client.end();
    },
  };
}
