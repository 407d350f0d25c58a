import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type NodePgDatabase, drizzle } from 'drizzle-orm/node-postgres';
import type { PgDatabase } from 'drizzle-orm/pg-core';
import type { NodePgQueryResultHKT } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { isId } from '#kernel/ids.js';
import { beginForTenant } from './row-security.js';

/** A pool or a transaction: verbs and queries do not know which. */
export type Database = PgDatabase<NodePgQueryResultHKT>;

export interface DatabaseOptions {
  connection: { connectionString: string } | { host: string; port: number; user: string; database: string };
  poolSize: number;
  /** A statement that is not answered by then fails, and its connection is given up. Servers only. */
  queryTimeoutMs?: number;
  observeQuery: (query: ObservedQuery) => void;
  /** A connection was refused: resolves when it is worth another try (the embedded database restarts itself). */
  recover: (() => Promise<void>) | null;
  /** A FATAL error came back: the embedded database must be restarted. */
  onFatal: (reason: string) => void;
  /** Whether transactions of a project see its rows alone: see `row-security.ts`. */
  hasRowSecurity?: () => boolean;
}

/** A statement that has been answered. */
export interface ObservedQuery {
  text: string;
  /** As its caller waited for it. */
  seconds: number;
  outcome: 'ok' | 'error';
  /** The project of the transaction, or in the embedded database the read, that it was part of; null: of none. */
  projectId: string | null;
}

export interface DatabasePool {
  db: NodePgDatabase;
  /** Connections, those of them that nobody uses, and callers that wait for one. */
  state: () => { total: number; idle: number; waiting: number };
  close: () => Promise<void>;
}

/** For a connection, and for a free place in the pool: whoever waits longer is told to come back. */
const CONNECT_TIMEOUT_MS = { server: 2_000, embedded: 10_000 };
/** A process that is frozen in a transaction would hold its locks for as long as it is. */
const IDLE_LIMIT = { idle_in_transaction_session_timeout: 10_000 };
/** A server that is stopped, or that the network swallows, does not answer: deleting a large project takes less. */
const QUERY_TIMEOUT_MS = 60_000;
const IDLE_TIMEOUT_MS = 30_000;
/** How long a refused connection is tried again: the embedded database restarts in about two seconds. */
const RECOVERY_MS = 10_000;
const RECOVERY_PAUSE_MS = 50;

/** Set while a transaction's callback runs: whoever then asks the pool has kept the outer context's `db`. */
const transactionScope = new AsyncLocalStorage<boolean>();

export function runInsideTransaction<T>(act: () => Promise<T>): Promise<T> {
  return transactionScope.run(true, act);
}

/** The project of the transactions that begin in here; consulted by their `begin` and by nothing else. */
const tenantOfTransaction = new AsyncLocalStorage<string>();

/** @param projectId of the transactions that `act` begins */
export function runForTenant<T>(projectId: string, act: () => Promise<T>): Promise<T> {
  if (!isId(projectId)) throw new Error('a transaction of a project needs the id of one');
  return tenantOfTransaction.run(projectId, act);
}

/** Databases of one session, which have no row-level security. */
const embedded = new WeakSet<object>();

export function isEmbedded(db: Database): boolean {
  return embedded.has(db);
}

/** Opens nothing yet: connections are made when the first statement needs one. */
export function createDatabasePool(options: DatabaseOptions): DatabasePool {
  const isServer = 'connectionString' in options.connection;
  const { queryTimeoutMs = QUERY_TIMEOUT_MS } = options;
  const pool = new pg.Pool({
    ...options.connection,
    max: options.poolSize,
    connectionTimeoutMillis: isServer ? CONNECT_TIMEOUT_MS.server : CONNECT_TIMEOUT_MS.embedded,
    ...(isServer ? { query_timeout: queryTimeoutMs, statement_timeout: queryTimeoutMs, ...IDLE_LIMIT } : {}),
    keepAlive: true,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    allowExitOnIdle: false,
  });
  guardAgainstOuterUse(pool, options);
  pool.on('connect', (client) => {
    observeQueries(client, options);
    // The pool listens to idle connections alone: one that breaks in use would end the process. Its caller is told
    // by the statement that fails.
    client.on('error', (error) => reportFatal(error, options));
  });
  pool.on('error', (error) => reportFatal(error, options));
  const db = drizzle(pool);
  if (!isServer) embedded.add(db);
  return {
    db,
    state: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => pool.end(),
  };
}

/**
 * With one connection, using the outer `db` inside a transaction waits for ever for the connection that the
 * transaction holds; with many it silently leaves the transaction. Both become an error at once.
 */
function guardAgainstOuterUse(pool: pg.Pool, { recover }: Pick<DatabaseOptions, 'recover'>): void {
  const connectOnce = pool.connect.bind(pool) as () => Promise<pg.PoolClient>;
  const connect = recover === null ? connectOnce : () => connectAgain(connectOnce, recover);
  const guarded = async (): Promise<pg.PoolClient> => {
    if (transactionScope.getStore() === true) {
      throw new Error(
        'the outer db was used inside inTransaction: use the context that inTransaction hands over',
      );
    }
    return returnedWhenBroken(await connect());
  };
  const query = async (...parameters: unknown[]) => {
    const client = await guarded();
    try {
      return await (client.query as (...all: unknown[]) => Promise<unknown>)(...parameters);
    } finally {
      client.release();
    }
  };
  Object.assign(pool, { connect: guarded, query });
}

/**
 * Takes a connection that breaks in use out of the pool at once: when `begin` fails, drizzle gives the client back
 * to nobody, and a pool of one would be empty for ever.
 */
function returnedWhenBroken(client: pg.PoolClient): pg.PoolClient {
  const giveBack = client.release.bind(client);
  let isReleased = false;
  const release = (error?: Error | boolean): void => {
    if (isReleased) return;
    isReleased = true;
    client.off('error', release);
    giveBack(error);
  };
  client.on('error', release);
  return Object.assign(client, { release });
}

/**
 * Connects, again and again while the connection is refused. Just after the database was killed `recover` may
 * resolve an instant before anybody knows that it is gone, so one more try would not do.
 */
async function connectAgain(
  connect: () => Promise<pg.PoolClient>,
  recover: () => Promise<void>,
): Promise<pg.PoolClient> {
  const deadline = performance.now() + RECOVERY_MS;
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      const remainingMs = deadline - performance.now();
      if (remainingMs <= 0 || !isConnectionRefused(error)) throw error;
      const isRecovered = await Promise.race([recover().then(() => true), late(remainingMs)]);
      if (!isRecovered) throw error;
      await delay(RECOVERY_PAUSE_MS);
    }
  }
}

async function late(milliseconds: number): Promise<false> {
  await delay(milliseconds, undefined, { ref: false });
  return false;
}

function observeQueries(client: pg.PoolClient, options: DatabaseOptions): void {
  const query = client.query.bind(client) as (...all: unknown[]) => Promise<unknown>;
  const isServer = 'connectionString' in options.connection;
  let isTransaction = false;
  let projectId: string | null = null;
  const observed = async (...parameters: unknown[]) => {
    const startedAt = performance.now();
    const text = textOf(parameters);
    const isBegin = text.startsWith('begin');
    const isOfRead = !isServer && !isTransaction;
    if (isBegin || isOfRead) projectId = tenantOfTransaction.getStore() ?? null;
    if (isBegin) isTransaction = true;
    let outcome: 'ok' | 'error' = 'error';
    try {
      const result = await query(...(isBegin ? withTenant(parameters, projectId, options) : parameters));
      outcome = 'ok';
      return result;
    } catch (error) {
      reportFatal(error, options);
      // Its statement still runs, and its transaction is still open: nobody may ever use this connection again.
      if (isQueryTimeout(error)) client.emit('error', error);
      throw error;
    } finally {
      const seconds = (performance.now() - startedAt) / 1000;
      options.observeQuery({ text, seconds, outcome, projectId });
      if (text === 'commit' || text === 'rollback') [isTransaction, projectId] = [false, null];
    }
  };
  Object.assign(client, { query: observed });
}

/** Lets a transaction of a project begin with its role and id, in the one message that begins it. */
function withTenant(
  parameters: unknown[],
  projectId: string | null,
  { hasRowSecurity }: DatabaseOptions,
): unknown[] {
  const [query, ...rest] = parameters;
  if (typeof query !== 'object' || projectId === null || hasRowSecurity?.() !== true) return parameters;
  return [{ ...query, text: beginForTenant(textOf(parameters), projectId) }, ...rest];
}

function textOf([query]: unknown[]): string {
  if (typeof query === 'string') return query;
  const isNamed = typeof query === 'object' && query !== null && 'text' in query;
  return isNamed && typeof query.text === 'string' ? query.text : '';
}

function isQueryTimeout(error: unknown): error is Error {
  return error instanceof Error && error.message === 'Query read timeout';
}

function reportFatal(error: unknown, options: DatabaseOptions): void {
  if (error instanceof pg.DatabaseError && error.severity === 'FATAL') options.onFatal(error.code ?? 'FATAL');
}

/** Nobody is there, or whoever was there died while the connection was being made. */
function isConnectionRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.message === 'Connection terminated unexpectedly') return true;
  const code = 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET';
}
