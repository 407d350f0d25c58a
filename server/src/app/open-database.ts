import type { Config } from '#platform/config/config.js';
import { type DatabasePool, createDatabasePool } from '#platform/database.js';
import type { Logger } from '#platform/logger.js';
import type { Metrics } from '#platform/metrics.js';
import { migrateDatabase } from '#platform/migrate-database.js';
import { startEmbeddedPostgres } from '#providers/embedded-postgres/start-embedded-postgres.js';
import { processEntry } from './entries.js';

export interface OpenDatabase extends DatabasePool {
  /** No other process uses this database. */
  isEmbedded: boolean;
}

type DatabaseConfig = Pick<Config, 'database' | 'dataDir'>;

/** Opens the database that the configuration names, embedded or on a server, and brings its schema up to date. */
export async function openDatabase(
  config: DatabaseConfig,
  log: Logger,
  metrics: Metrics,
): Promise<OpenDatabase> {
  const { url, poolSize } = config.database;
  const database =
    url === null ? await openEmbedded(config, log, metrics) : openServer(url, poolSize, metrics);
  try {
    await migrateDatabase(database, url);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

function openServer(url: string, poolSize: number, metrics: Metrics): OpenDatabase {
  const pool = createDatabasePool({
    connection: { connectionString: url },
    poolSize,
    observeQuery: observer(metrics),
    recover: null,
    onFatal: () => {},
  });
  return { ...pool, isEmbedded: false };
}

async function openEmbedded(config: DatabaseConfig, log: Logger, metrics: Metrics): Promise<OpenDatabase> {
  const embedded = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    ...processEntry('providers/embedded-postgres/embedded-postgres-process'),
    log,
  });
  const pool = createDatabasePool({
    connection: { host: embedded.socketDirectory, port: 5432, user: 'postgres', database: 'postgres' },
    // All connections of the embedded database share one session: a second one would gain nothing.
    poolSize: 1,
    observeQuery: observer(metrics),
    recover: () => embedded.whenReady(),
    onFatal: (reason) => embedded.restart(`a FATAL error: ${reason}`),
  });
  const close = async () => {
    await pool.close();
    await embedded.stop();
  };
  return { ...pool, close, isEmbedded: true };
}

function observer(metrics: Metrics) {
  return (seconds: number, outcome: 'ok' | 'error') => metrics.databaseSeconds.observe({ outcome }, seconds);
}
