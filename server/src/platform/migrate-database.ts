import { fileURLToPath } from 'node:url';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { type NodePgDatabase, drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import type { DatabasePool } from './database.js';
import { sqlStateOf } from './database-errors.js';
import { secureRows } from './row-security.js';

/** Any number that nothing else in the database locks by. */
const MIGRATION_LOCK = 7_308_332;

const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url));

/** A migration that waits for a lock makes everybody else wait behind it: it gives up, and tries again. */
const LOCK_TIMEOUT = '2s';
const MAX_TRIES = 30;
const PAUSE_MS = 1_000;
const CONNECT_TIMEOUT_MS = 10_000;
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Brings the schema up to date, all migrations that are missing or none.
 * @param serverUrl of a real server, where several processes may start together: one migrates, the others wait.
 * Null for the embedded database, which has one process only.
 * @returns whether row-level security is in force: on a server where its role can be made
 */
export async function migrateDatabase(database: DatabasePool, serverUrl: string | null): Promise<boolean> {
  if (serverUrl === null) {
    await runMigrations(database.db);
    return false;
  }
  const client = new pg.Client({ connectionString: serverUrl, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // A connection that breaks also fails the statement that waits on it.
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await client.query(`set lock_timeout = '${LOCK_TIMEOUT}'`);
    return await runPatiently(drizzle(client), async (db) => {
      await runMigrations(db);
      return secureRows(db);
    });
  } finally {
    await client.end();
  }
}

async function runPatiently<T>(db: NodePgDatabase, act: (db: NodePgDatabase) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await act(db);
    } catch (error) {
      if (tries >= MAX_TRIES || sqlStateOf(error) !== LOCK_NOT_AVAILABLE) throw error;
      await delay(PAUSE_MS);
    }
  }
}

async function runMigrations(db: NodePgDatabase): Promise<void> {
  await db.execute(sql`create extension if not exists vector`);
  await migrate(db, { migrationsFolder: MIGRATIONS_FOLDER });
}
