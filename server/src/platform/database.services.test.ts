import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { queryDatabase } from '#test/faults/query-database.js';
import { type FaultProxy, startFaultProxy } from '#test/faults/fault-proxy.js';
import { createEmptyDatabase } from '#test/test-database.js';
import { type DatabasePool, createDatabasePool } from './database.js';
import { isDatabaseUnavailable } from './database-errors.js';

const QUERY_TIMEOUT_MS = 500;

let url: string;
let drop: () => Promise<void>;
let proxy: FaultProxy;
let pool: DatabasePool;

beforeEach(async () => {
  const database = await createEmptyDatabase();
  url = database.environment['DATABASE_URL'] ?? '';
  drop = database.drop;
  proxy = await startFaultProxy(url);
  pool = createDatabasePool({
    connection: { connectionString: proxy.through(url) },
    poolSize: 2,
    queryTimeoutMs: QUERY_TIMEOUT_MS,
    observeQuery: () => {},
    recover: null,
    onFatal: () => {},
  });
  await queryDatabase(url, 'create table numbers (value int)');
});

afterEach(async () => {
  await pool.close();
  await proxy.close();
  await drop();
});

describe('a connection that was silent for too long', () => {
  it('is never used again: what is written afterwards is really there', async () => {
    const failed = pool.db.transaction(async (tx) => {
      await tx.execute(sql`insert into numbers values (1)`);
      await proxy.set([{ type: 'timeout', timeoutMs: null }]);
      await tx.execute(sql`insert into numbers values (2)`);
    });
    await expect(failed).rejects.toSatisfy(isDatabaseUnavailable);
    await proxy.set([]);
    await pool.db.execute(sql`insert into numbers values (100)`);
    await pool.db.execute(sql`insert into numbers values (101)`);
    const rows = await queryDatabase(url, 'select value from numbers order by value');
    expect(rows).toEqual([{ value: 100 }, { value: 101 }]);
  });
});
