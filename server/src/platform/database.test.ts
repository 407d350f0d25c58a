import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TestContext, createTestContext } from '#test/create-test-context.js';
import { type DatabasePool, createDatabasePool } from './database.js';
import { isDatabaseUnavailable } from './database-errors.js';

let test: TestContext;
let breaker: Breaker;
let pool: DatabasePool;
let recoveries: (() => Promise<unknown>)[];

beforeEach(async () => {
  test = await createTestContext();
  breaker = await startBreaker(test);
  recoveries = [];
  pool = createDatabasePool({
    connection: breaker.connection,
    poolSize: 1,
    observeQuery: () => {},
    recover: async () => void (await recoveries.shift()?.()),
    onFatal: () => {},
  });
});

afterEach(async () => {
  await pool.close();
  await breaker.stop();
  await test.close();
});

const answer = async () => (await pool.db.execute(sql`select 42 as answer`)).rows[0]?.['answer'];

describe('a connection that breaks', () => {
  it('between two statements of a transaction fails that transaction, and the next one has a connection', async () => {
    const acted = pool.db.transaction(async (tx) => {
      await tx.execute(sql`select 1`);
      await breaker.breakAll();
      await tx.execute(sql`select 2`);
    });
    expect(await acted.catch(isDatabaseUnavailable)).toBe(true);
    expect(await answer()).toBe(42);
  });

  it('at the very begin of a transaction is not kept for ever, though the pool has one connection', async () => {
    breaker.breakAt('begin');
    const acted = pool.db.transaction(async (tx) => tx.execute(sql`select 1`));
    expect(await acted.catch(isDatabaseUnavailable)).toBe(true);
    expect(await answer()).toBe(42);
  });

  it('while it is idle costs one statement at most', async () => {
    expect(await answer()).toBe(42);
    await breaker.breakAll();
    await answer().catch(() => null);
    expect(await answer()).toBe(42);
  });
});

describe('a connection that is refused', () => {
  it('is tried again as long as the database comes back, also where that was said too early', async () => {
    await breaker.stop();
    const tooEarly = async () => {};
    recoveries = [tooEarly, tooEarly, () => breaker.start()];
    expect(await answer()).toBe(42);
    expect(recoveries).toEqual([]);
  });

  it('fails when the database will not come back', async () => {
    await breaker.stop();
    recoveries = [() => Promise.reject(new Error('the embedded database is stopped'))];
    await expect(answer()).rejects.toMatchObject({ cause: { message: 'the embedded database is stopped' } });
  });
});

interface Breaker {
  connection: Parameters<typeof createDatabasePool>[0]['connection'];
  /** Breaks all connections; resolves when their clients can know. */
  breakAll: () => Promise<void>;
  /** Breaks the next connection whose client sends `text`, instead of handing it on. */
  breakAt: (text: string) => void;
  start: () => Promise<unknown>;
  stop: () => Promise<unknown>;
}

/** Stands between a pool and the database of a test, and breaks what it is told to. */
async function startBreaker({ ctx, dataDir }: TestContext): Promise<Breaker> {
  const { url } = ctx.config.database;
  const target =
    url === null
      ? { path: join(dataDir, 'run', '.s.PGSQL.5432') }
      : { host: new URL(url).hostname, port: Number(new URL(url).port) };
  const clients = new Set<Socket>();
  let breakingText: string | null = null;
  const listen = (port: number): Server => {
    const server = createServer((client) => {
      const database = connect(target);
      clients.add(client);
      client.on('data', (bytes) => {
        if (breakingText !== null && bytes.includes(breakingText)) {
          breakingText = null;
          client.resetAndDestroy();
        } else database.write(bytes);
      });
      database.pipe(client);
      for (const socket of [client, database]) socket.on('error', () => {});
      client.on('close', () => {
        clients.delete(client);
        database.destroy();
      });
      database.on('close', () => client.destroy());
    });
    return server.listen(port, '127.0.0.1');
  };
  let server = listen(0);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const breakAll = async () => {
    const closed = [...clients].map((client) => once(client, 'close'));
    for (const client of clients) client.resetAndDestroy();
    await Promise.all(closed);
  };
  const connection =
    url === null
      ? { host: '127.0.0.1', port, user: 'postgres', database: 'postgres' }
      : { connectionString: Object.assign(new URL(url), { host: `127.0.0.1:${port}` }).href };
  return {
    connection,
    breakAll,
    breakAt: (text) => void (breakingText = text),
    start: () => once((server = listen(port)), 'listening'),
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      await breakAll();
      await closed;
    },
  };
}
