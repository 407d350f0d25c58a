import { fileURLToPath } from 'node:url';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { sql } from 'drizzle-orm';
import pg from 'pg';
import type { DatabasePool } from './database.js';

/** Any number that nothing else in the database locks by. */
const MIGRATION_LOCK = 7_308_332;

const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url));

/**
 * Brings the schema up to date.
 * @param serverUrl of a real server, where several processes may start together: one migrates, the others wait.
 * Null for the embedded database, which has one process only.
 */
export async function migrateDatabase(database: DatabasePool, serverUrl: string | null): Promise<void> {
  if (serverUrl === null) return runMigrations(database);
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await runMigrations(database);
  } finally {
    await client.end();
  }
}

async function runMigrations({ db }: DatabasePool): Promise<void> {
  await db.execute(sql`create extension if not exists vector`);
  await migrate(db, { migrationsFolder: MIGRATIONS_FOLDER });
}
