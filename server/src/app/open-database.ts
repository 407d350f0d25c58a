import type { Config } from '#platform/config/config.js';
import { type DatabasePool, type ObservedQuery, createDatabasePool } from '#platform/database.js';
import type { Logger } from '#platform/logger.js';
import type { Metrics } from '#platform/metrics.js';
import { migrateDatabase } from '#platform/migrate-database.js';
import { startEmbeddedPostgres } from '#providers/embedded-postgres/start-embedded-postgres.js';
import { processEntry } from './entries.js';

export interface OpenDatabase extends DatabasePool {
  /** No other process uses this database. */
  isEmbedded: boolean;
  /** For signs of life alone. */
  pulse: DatabasePool['db'];
  /** From now on transactions of a project see its rows alone. Of a server only. */
  enforceRowSecurity: () => void;
}

/** A sign of life that takes longer is none. */
const PULSE_TIMEOUT_MS = 2_000;

const NO_ROW_SECURITY =
  'row-level security is off: the user of DATABASE_URL may not make roles (see DEPLOYMENT.md)';

type Observer = (query: ObservedQuery) => void;
export type StartEmbedded = typeof startEmbeddedPostgres;
type DatabaseConfig = Pick<Config, 'database' | 'dataDir'>;

/**
 * Opens the database that the configuration names, embedded or on a server, and brings its schema up to date.
 * @param watchQueries is told of every statement
 */
export async function openDatabase(
  config: DatabaseConfig,
  log: Logger,
  metrics: Metrics,
  {
    watchQueries = () => {},
    startEmbedded = startEmbeddedPostgres,
  }: { watchQueries?: Observer | undefined; startEmbedded?: StartEmbedded | undefined } = {},
): Promise<OpenDatabase> {
  const { url, poolSize } = config.database;
  const observeQuery = (query: ObservedQuery) => {
    metrics.databaseSeconds.observe({ outcome: query.outcome }, query.seconds);
    watchQueries(query);
  };
  const database =
    url === null
      ? await openEmbedded(config, log, observeQuery, startEmbedded)
      : openServer(url, poolSize, observeQuery);
  try {
    const hasRowSecurity = await migrateDatabase(database, url);
    if (hasRowSecurity) database.enforceRowSecurity();
    else if (url !== null) log.warn(NO_ROW_SECURITY);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

function openServer(url: string, poolSize: number, observeQuery: Observer): OpenDatabase {
  let hasRowSecurity = false;
  const shared = {
    connection: { connectionString: url },
    observeQuery,
    recover: null,
    onFatal: () => {},
    hasRowSecurity: () => hasRowSecurity,
  };
  const pool = createDatabasePool({ ...shared, poolSize });
  const pulse = createDatabasePool({ ...shared, poolSize: 1, queryTimeoutMs: PULSE_TIMEOUT_MS });
  const close = async () => void (await Promise.all([pool.close(), pulse.close()]));
  const enforceRowSecurity = () => {
    hasRowSecurity = true;
  };
  return { ...pool, pulse: pulse.db, isEmbedded: false, enforceRowSecurity, close };
}

async function openEmbedded(
  config: DatabaseConfig,
  log: Logger,
  observeQuery: Observer,
  startEmbedded: StartEmbedded,
): Promise<OpenDatabase> {
  const embedded = await startEmbedded({
    dataDir: config.dataDir,
    ...processEntry('providers/embedded-postgres/embedded-postgres-process'),
    log,
  });
  const pool = createDatabasePool({
    connection: { host: embedded.socketDirectory, port: 5432, user: 'postgres', database: 'postgres' },
    // All connections of the embedded database share one session: a second one would gain nothing.
    poolSize: 1,
    observeQuery,
    recover: () => embedded.whenReady(),
    onFatal: (reason) => embedded.restart(`a FATAL error: ${reason}`),
  });
  const close = async () => {
    await pool.close();
    await embedded.stop();
  };
  return { ...pool, close, isEmbedded: true, enforceRowSecurity: () => {}, pulse: pool.db };
}
