import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '#providers/embedded-postgres/start-embedded-postgres.js';
import { builtEntry } from './built-entry.js';
import {
  COLUMN_STORAGE,
  DIGEST_DEFINITIONS,
  FORGET_SIZES,
  GROWN_INDEXES,
  INDEXES,
  RESTART_SEQUENCES,
  TABLES_WITH_PAGES,
  deleteRows,
  digestRows,
  dropIndex,
  rebuildIndex,
  vacuumTables,
} from './emptied-database.queries.js';
import { copyTemplate } from './test-database.js';

interface Pooled {
  embedded: EmbeddedPostgres;
  directory: string;
  /** Whose log gets what is said of this one. */
  listener: { log: EmbeddedPostgresOptions['log'] };
  /** How it was when it had the schema and nothing else. */
  pristine: State;
}

/** Two databases in the same state cannot be told apart by a test. */
interface State {
  definitions: string;
  indexes: string[];
  /** The statements that make each column stored as it is. */
  storage: string[];
  /** The tables with rows and what is in them: `drizzle.__drizzle_migrations`. */
  rows: Record<string, string>;
}

const SILENT = { info: () => {}, warn: () => {}, error: () => {} };
/** A test has two at once at most; each takes 150 MB. */
const MAX_IDLE = 2;
const STATEMENT_TIMEOUT_MS = 20_000;

const idle: Pooled[] = [];

/**
 * As `startEmbeddedPostgres`, but the process was another context's before and is the next one's after: to start one
 * takes two seconds of a processor, and it is slow until its code is compiled. In between it is emptied, and what
 * cannot be brought back to how it was made (a test changed the schema, or the process died) is thrown away.
 */
export async function startPooledPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const pooled = idle.pop() ?? (await startFromTemplate());
  const { embedded, listener } = pooled;
  const processId = embedded.processId();
  listener.log = options.log;
  // Where the sockets of the embedded database lie otherwise.
  await mkdir(options.dataDir, { recursive: true });
  await symlink(embedded.socketDirectory, join(options.dataDir, 'run'));
  return {
    ...embedded,
    stop: async () => {
      listener.log = SILENT;
      const isReusable =
        idle.length < MAX_IDLE && embedded.processId() === processId && (await tryToEmpty(pooled));
      if (isReusable) idle.push(pooled);
      else await discard(pooled);
    },
  };
}

async function startFromTemplate(): Promise<Pooled> {
  const templateDir = inject('templateDir');
  if (templateDir === null) throw new Error('there is no template database');
  // Below the template, which the end of the run removes: the end of a worker process may be sudden.
  const directory = await mkdtemp(join(templateDir, 'pooled-'));
  await copyTemplate(directory);
  const listener = { log: SILENT as EmbeddedPostgresOptions['log'] };
  const embedded = await startEmbeddedPostgres({
    dataDir: directory,
    ...builtEntry('providers/embedded-postgres/embedded-postgres-process'),
    log: {
      info: (...line) => listener.log.info(...line),
      warn: (...line) => listener.log.warn(...line),
      error: (...line) => listener.log.error(...line),
    },
  });
  return { embedded, directory, listener, pristine: await inSession(embedded, readState) };
}

async function discard({ embedded, directory }: Pooled): Promise<void> {
  await embedded.stop();
  await rm(directory, { recursive: true, force: true });
}

/** False where it does not look as it did when it was made. */
async function tryToEmpty({ embedded, pristine }: Pooled): Promise<boolean> {
  try {
    return await inSession(embedded, async (client) => {
      await empty(client, pristine);
      return JSON.stringify(await readState(client)) === JSON.stringify(pristine);
    });
  } catch {
    return false;
  }
}

/** Takes back what contexts do: rows, and what an embedding model brings along (its index, how vectors are stored). */
async function empty(client: pg.Client, pristine: State): Promise<void> {
  const tables = (await namesOf(client, TABLES_WITH_PAGES)).filter((name) => !(name in pristine.rows));
  if (tables.length > 0) {
    await client.query(deleteRows(tables));
    await client.query(vacuumTables(tables));
  }
  await client.query(FORGET_SIZES);
  await client.query(RESTART_SEQUENCES);
  for (const index of await namesOf(client, INDEXES)) {
    if (!pristine.indexes.includes(index)) await client.query(dropIndex(index));
  }
  for (const index of await namesOf(client, GROWN_INDEXES)) await client.query(rebuildIndex(index));
  const storage = await namesOf(client, COLUMN_STORAGE);
  for (const statement of pristine.storage) {
    if (!storage.includes(statement)) await client.query(statement);
  }
}

async function readState(client: pg.Client): Promise<State> {
  const digest = async (statement: string) =>
    (await client.query<{ digest: string }>(statement)).rows[0]!.digest;
  const rows: Record<string, string> = {};
  for (const name of await namesOf(client, TABLES_WITH_PAGES)) rows[name] = await digest(digestRows(name));
  return {
    definitions: await digest(DIGEST_DEFINITIONS),
    indexes: await namesOf(client, INDEXES),
    storage: await namesOf(client, COLUMN_STORAGE),
    rows,
  };
}

async function namesOf(client: pg.Client, statement: string): Promise<string[]> {
  return (await client.query<{ name: string }>(statement)).rows.map(({ name }) => name);
}

async function inSession<T>(embedded: EmbeddedPostgres, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    host: embedded.socketDirectory,
    port: 5432,
    user: 'postgres',
    database: 'postgres',
    query_timeout: STATEMENT_TIMEOUT_MS,
  });
  client.on('error', () => {});
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}
