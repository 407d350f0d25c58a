import pg from 'pg';
import { eventually } from '../eventually.js';

/** A table that nobody can write to, so that whoever would is caught at that very statement. */
export interface TableLock {
  /** The port that the process which waits for the table has its connection from. */
  whenWaited: () => Promise<number>;
  release: () => Promise<void>;
}

/** Takes a table's lock against writers, in a transaction of its own. */
export async function lockTable(databaseUrl: string, table: string): Promise<TableLock> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query('begin');
  await client.query(`lock table ${table} in share mode`);
  return {
    whenWaited: () =>
      eventually(`somebody to wait for ${table}`, async () => {
        const { rows } = await client.query<{ client_port: number }>(
          `select client_port from pg_locks join pg_stat_activity using (pid)
           where relation = $1::regclass and not granted and client_port > 0 limit 1`,
          [table],
        );
        return rows[0]?.client_port ?? null;
      }),
    release: async () => {
      await client.query('commit');
      await client.end();
    },
  };
}
