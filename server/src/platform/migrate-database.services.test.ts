import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '#kernel/ids.js';
import { eventually } from '#test/eventually.js';
import { createEmptyDatabase } from '#test/test-database.js';
import { type DatabasePool, createDatabasePool } from './database.js';
import { migrateDatabase } from './migrate-database.js';

const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url));

let url: string;
let drop: () => Promise<void>;
const pools: DatabasePool[] = [];

beforeEach(async () => {
  const database = await createEmptyDatabase();
  url = database.environment['DATABASE_URL'] ?? '';
  drop = database.drop;
});

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  await drop();
});

function openPool(): DatabasePool {
  const options = { poolSize: 4, observeQuery: () => {}, recover: null, onFatal: () => {} };
  const pool = createDatabasePool({ ...options, connection: { connectionString: url } });
  pools.push(pool);
  return pool;
}

async function withClient<T>(act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

/** The schema as the first release had it. */
async function migrateToFirstRelease(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'botbase-migrations-'));
  await cp(FOLDER, folder, { recursive: true });
  const journalPath = join(folder, 'meta/_journal.json');
  const journal = JSON.parse(await readFile(journalPath, 'utf8')) as { entries: unknown[] };
  await writeFile(journalPath, JSON.stringify({ ...journal, entries: journal.entries.slice(0, 1) }));
  await withClient(async (client) => {
    await client.query('create extension if not exists vector');
    await migrate(drizzle(client), { migrationsFolder: folder });
  });
  await rm(folder, { recursive: true });
}

async function countMigrations(): Promise<number> {
  const { rows } = await withClient((client) =>
    client.query<{ count: number }>('select count(*)::int as count from drizzle.__drizzle_migrations'),
  );
  return rows[0]?.count ?? 0;
}

async function countOfAll(): Promise<number> {
  const journal = JSON.parse(await readFile(join(FOLDER, 'meta/_journal.json'), 'utf8')) as {
    entries: unknown[];
  };
  return journal.entries.length;
}

describe('migrateDatabase', () => {
  it('is done once when five processes start together', async () => {
    await Promise.all(Array.from({ length: 5 }, () => migrateDatabase(openPool(), url)));
    expect(await countMigrations()).toBe(await countOfAll());
  });

  it('gives up its place at a table that is locked, so that nobody waits behind it, and tries again', async () => {
    await migrateToFirstRelease();
    await withClient(async (holder) => {
      await holder.query('begin');
      await holder.query('select count(*) from jobs');
      const migrated = migrateDatabase(openPool(), url);
      // The migration waits for its lock on `jobs`, and a reader comes in behind it.
      await eventually('the migration to wait', () =>
        withClient(async (client) => {
          const { rows } = await client.query(
            `select 1 from pg_locks where relation = 'jobs'::regclass and not granted`,
          );
          return rows.length > 0 ? true : null;
        }),
      );
      const { rows } = await withClient((client) => client.query('select count(*)::int as count from jobs'));
      expect(rows).toEqual([{ count: 0 }]);
      expect(await countMigrations()).toBe(1);
      await holder.query('commit');
      await migrated;
    });
    expect(await countMigrations()).toBe(await countOfAll());
  });

  it('lets the first release write on while it runs, and after it', async () => {
    await migrateToFirstRelease();
    const userId = newId();
    const projectId = newId();
    const conversationId = newId();
    await withClient(async (client) => {
      await client.query(
        `insert into users (id, email, password_hash, name) values ($1, 'a@b.c', 'x', 'A')`,
        [userId],
      );
      await client.query(
        `insert into projects (id, owner_id, name, fallback_message) values ($1, $2, 'P', 'Sorry')`,
        [projectId, userId],
      );
      await client.query('insert into conversations (id, project_id) values ($1, $2)', [
        conversationId,
        projectId,
      ]);
    });
    const state = { isMigrated: false };
    const written = withClient(async (client) => {
      let count = 0;
      for (let rest = 50; rest > 0; rest -= state.isMigrated ? 1 : 0) {
        await client.query(
          `insert into messages (id, project_id, conversation_id, role, content, status)
           values ($1, $2, $3, 'user', 'hello', 'complete')`,
          [newId(), projectId, conversationId],
        );
        await client.query(
          `insert into jobs (id, project_id, type, payload, priority, max_attempts, run_at)
           values ($1, $2, 'ingest-source', '{}', 10, 4, now())`,
          [newId(), projectId],
        );
        await client.query(`update projects set name = 'Q' where id = $1`, [projectId]);
        count += 1;
      }
      return count;
    });
    await migrateDatabase(openPool(), url);
    state.isMigrated = true;
    const count = await written;
    const { rows } = await withClient((client) =>
      client.query(`select (select count(*)::int from messages) as messages, (select count(*)::int from jobs) as jobs,
        model_fallback, index_version from projects`),
    );
    expect(rows).toEqual([{ messages: count, jobs: count, model_fallback: 'extractive', index_version: 0 }]);
  });
});
