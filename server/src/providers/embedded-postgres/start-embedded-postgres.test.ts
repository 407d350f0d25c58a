import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { Pool, type QueryResult } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { builtEntry } from '#test/built-entry.js';
import { startEmbeddedPostgres } from './start-embedded-postgres.js';

const execArgv = ['--import', 'tsx', '--conditions=botbase-source'];
const parentScript = new URL('../../../test/fixtures/embedded-parent.ts', import.meta.url);
const silent = { info: () => {}, warn: () => {}, error: () => {} };

let base: string;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'embedded-'));
  const embedded = await start(join(base, 'made'));
  await embedded.stop();
  cleanups.length = 0;
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

afterAll(async () => {
  await rm(base, { recursive: true });
});

/** A data directory of its own with an empty database: copying one is faster than making one. */
async function freshDataDir(name = 'fresh'): Promise<string> {
  const dataDir = join(await mkdtemp(join(base, 'data-')), name);
  await cp(join(base, 'made', 'postgres'), join(dataDir, 'postgres'), { recursive: true });
  return dataDir;
}

async function start(dataDir: string, options: { pingIntervalMs?: number; pingTimeoutMs?: number } = {}) {
  const script = builtEntry('providers/embedded-postgres/embedded-postgres-process');
  const embedded = await startEmbeddedPostgres({ dataDir, ...script, log: silent, ...options });
  cleanups.push(embedded.stop);
  return embedded;
}

function connectPool(socketDirectory: string): Pool {
  const pool = new Pool({
    host: socketDirectory,
    port: 5432,
    user: 'postgres',
    database: 'postgres',
    max: 1,
  });
  pool.on('error', () => {});
  cleanups.push(() => pool.end());
  return pool;
}

/** Asks again until the answer is true. */
async function eventually(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error('it did not come true in time');
    await delay(10);
  }
}

const answers = (pool: Pool) =>
  pool.query('select 1').then(
    () => true,
    () => false,
  );

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

describe('starting', () => {
  it('makes a database that takes vectors in binary form, and has its rows again after a stop', async () => {
    const dataDir = join(await mkdtemp(join(base, 'data-')), 'new');
    const first = await start(dataDir);
    const firstPool = connectPool(first.socketDirectory);
    await firstPool.query('create table notes (id int, place vector(3))');
    const vector = Buffer.from('000300003f8000004000000040400000', 'hex');
    await firstPool.query('insert into notes values (1, $1)', [vector]);
    await firstPool.end();
    cleanups.length = 0;
    await first.stop();
    expect(isAlive(first.processId())).toBe(false);

    const second = await start(dataDir);
    const pool = connectPool(second.socketDirectory);

    expect((await pool.query('select id, place from notes')).rows).toEqual([{ id: 1, place: '[1,2,3]' }]);
  });

  it('lets nobody else at the files and sockets', async () => {
    const dataDir = await freshDataDir();
    const embedded = await start(dataDir);
    const mode = async (path: string) => ((await stat(join(dataDir, path))).mode & 0o777).toString(8);

    expect(embedded.socketDirectory).toBe(join(dataDir, 'run'));
    expect(await mode('run')).toBe('700');
    expect(await mode('run/.s.PGSQL.5432')).toBe('600');
    expect(await mode('postgres')).toBe('700');
  });

  it('takes a path of 150 bytes', async () => {
    const short = await freshDataDir('');
    const dataDir = await freshDataDir('d'.repeat(150 - short.length - 1));
    const embedded = await start(dataDir);
    cleanups.unshift(() => rm(embedded.socketDirectory));

    expect(Buffer.byteLength(dataDir)).toBe(150);
    expect(await answers(connectPool(embedded.socketDirectory))).toBe(true);
  });

  it('refuses a directory that another process uses, which goes on undisturbed', async () => {
    const dataDir = await freshDataDir();
    const pool = connectPool((await start(dataDir)).socketDirectory);

    await expect(start(dataDir)).rejects.toThrow(
      `The data directory ${dataDir} is in use by another Botbase process. ` +
        'Stop that one, or set DATA_DIR to another directory.',
    );
    expect(await answers(pool)).toBe(true);
  });

  it('is won by one of several at once', async () => {
    const dataDir = await freshDataDir();

    const results = await Promise.allSettled([
      start(dataDir),
      start(dataDir),
      start(dataDir),
      start(dataDir),
    ]);

    const started = results.filter((result) => result.status === 'fulfilled');
    expect(started).toHaveLength(1);
    expect(await answers(connectPool(started[0]!.value.socketDirectory))).toBe(true);
  });

  it('says why a database cannot be opened', async () => {
    const dataDir = await freshDataDir();
    await rm(join(dataDir, 'postgres', 'global'), { recursive: true });

    await expect(start(dataDir)).rejects.toThrow(
      /cannot be opened.*could not open file "global\/pg_control"/s,
    );
  });
});

describe('one pool of one connection', () => {
  it('gives each of many callers its own rows, in and out of transactions', async () => {
    const pool = connectPool((await start(await freshDataDir())).socketDirectory);
    const sql = 'select $1::int as caller, $2::int as turn';
    let operations = 0;
    let foreignRows = 0;
    const check = ({ rows }: QueryResult, caller: number, turn: number) => {
      operations += 1;
      if (rows.length !== 1 || rows[0].caller !== caller || rows[0].turn !== turn) foreignRows += 1;
    };
    const runCaller = async (caller: number) => {
      for (let turn = 0; turn < 150; turn += 1) {
        check(await pool.query(sql, [caller, turn]), caller, turn);
        const client = await pool.connect();
        await client.query('begin');
        check(await client.query(sql, [caller, turn]), caller, turn);
        await client.query('commit');
        client.release();
      }
    };

    await Promise.all(Array.from({ length: 8 }, (_, caller) => runCaller(caller)));

    expect(operations).toBe(2_400);
    expect(foreignRows).toBe(0);
  });
});

describe('a database that fails', () => {
  it('has every committed row after it was killed in the middle of writing', async () => {
    const embedded = await start(await freshDataDir());
    const pool = connectPool(embedded.socketDirectory);
    await pool.query('create table notes (id int primary key, text text)');
    const firstProcess = embedded.processId();
    let committed = 0;
    const writing = (async () => {
      for (;;) {
        await pool.query(`insert into notes select $1::int, repeat(md5($1::text), 500)`, [committed]);
        committed += 1;
        if (committed === 300) process.kill(firstProcess, 'SIGKILL');
      }
    })();

    await expect(writing).rejects.toThrow(/terminated|ECONNRESET|EPIPE/);
    await eventually(() => answers(pool));

    expect(embedded.processId()).not.toBe(firstProcess);
    const { rows } = await pool.query('select id from notes where length(text) = 16000 order by id');
    const present = rows.map((row: { id: number }) => row.id);
    expect(present.slice(0, committed)).toEqual(Array.from({ length: committed }, (_, id) => id));
    expect(present.length - committed).toBeLessThanOrEqual(1);
  });

  it('is there again after a FATAL error and a restart', async () => {
    const embedded = await start(await freshDataDir());
    const pool = connectPool(embedded.socketDirectory);
    const firstProcess = embedded.processId();
    await pool.query(`set idle_in_transaction_session_timeout = '1ms'`);
    await pool.query('begin');
    const idling = (async () => {
      for (;;) {
        await delay(2);
        await pool.query('select 1');
      }
    })();

    await expect(idling).rejects.toMatchObject({ severity: 'FATAL', code: '25P03' });
    embedded.restart('a FATAL error');
    await embedded.whenReady();

    expect(await answers(pool)).toBe(true);
    expect(embedded.processId()).not.toBe(firstProcess);
    expect(isAlive(firstProcess)).toBe(false);
  });

  it('comes back by itself after a COPY from the client, which PGlite cannot do', async () => {
    const embedded = await start(await freshDataDir());
    const pool = connectPool(embedded.socketDirectory);
    await pool.query('create table notes (id int)');

    await expect(pool.query('copy notes from stdin')).rejects.toMatchObject({ code: '08006' });
    await eventually(() => answers(pool));

    expect((await pool.query('select id from notes')).rows).toEqual([]);
  });

  it('is killed and started again when it answers nobody', async () => {
    const embedded = await start(await freshDataDir(), { pingIntervalMs: 10, pingTimeoutMs: 100 });
    const pool = connectPool(embedded.socketDirectory);
    const client = await pool.connect();
    const firstProcess = embedded.processId();
    client.on('error', () => {});
    await client.query('begin');

    await new Promise((resolve) => client.once('end', resolve));
    client.release(true);
    await eventually(() => answers(pool));

    expect(isAlive(firstProcess)).toBe(false);
  });

  it('is not waited for once it is stopped or the caller gives up', async () => {
    const embedded = await start(await freshDataDir());
    const signal = AbortSignal.abort(new Error('given up'));
    await expect(embedded.whenReady(signal)).rejects.toThrow('given up');

    embedded.restart('to have it wait');
    const waiting = embedded.whenReady();
    await Promise.all([expect(waiting).rejects.toThrow('the embedded database is stopped'), embedded.stop()]);

    await expect(embedded.whenReady()).rejects.toThrow('the embedded database is stopped');
    expect(isAlive(embedded.processId())).toBe(false);
  });
});

describe('a parent that is killed', () => {
  it.each(['is idle', 'runs a long statement'])('takes the child with it when that %s', async (state) => {
    const dataDir = await freshDataDir();
    const parent = fork(parentScript, [dataDir], { execArgv });
    const [socketDirectory]: string[] = await once(parent, 'message');
    const pool = connectPool(socketDirectory ?? '');
    if (state === 'runs a long statement') {
      const client = await pool.connect();
      client.on('error', () => {});
      client.query('select pg_sleep(600)').catch(() => {});
      client.release();
    }

    parent.kill('SIGKILL');
    const embedded = await start(dataDir);

    // It started, so the child has let go of the lock, which it does by dying alone.
    expect(await answers(connectPool(embedded.socketDirectory))).toBe(true);
  });
});
