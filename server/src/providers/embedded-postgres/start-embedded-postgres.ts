import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { prepareSocketDirectory } from './socket-directory.js';
import { type DatabaseChild, startChild } from './start-child.js';

const defaultPingIntervalMs = 5_000;
/** A statement that runs longer, or a client that idles in a transaction, cannot be told from a hang. */
const defaultPingTimeoutMs = 60_000;
const firstBackoffMs = 250;
const longestBackoffMs = 10_000;
/** A child that lived for so long was well, and the next restart is at once. */
const settledAfterMs = 30_000;

interface EmbeddedPostgresLog {
  info: (fields: object, message: string) => void;
  warn: (fields: object, message: string) => void;
  error: (fields: object, message: string) => void;
}

export interface EmbeddedPostgresOptions {
  /** Absolute. The files lie in `postgres` below it, the sockets in `run`. */
  dataDir: string;
  /** The script of the child process: `embedded-postgres-process`. */
  entry: URL;
  /** Node's own arguments for the child, such as a loader when it runs from source. */
  execArgv: string[];
  log: EmbeddedPostgresLog;
  pingIntervalMs?: number;
  /** A child that has not answered for so long is killed and started anew. */
  pingTimeoutMs?: number;
}

export interface EmbeddedPostgres {
  /** The `host` for `pg`, with port 5432, user and database `postgres`; the same after a restart. */
  socketDirectory: string;
  /** Of the present child, or of the last one while there is none. */
  processId: () => number;
  /** Resolves when the child answers, now or after a restart; rejects once it is stopped, or on `signal`. */
  whenReady: (signal?: AbortSignal) => Promise<void>;
  /** Kills the child and starts another; does nothing while that is under way already. */
  restart: (reason: string) => void;
  stop: () => Promise<void>;
}

/**
 * Runs PostgreSQL (PGlite with pgvector) in a child process, for one client on a unix socket, and starts it anew
 * whenever it ends, until it is stopped. Throws when another process uses the directory, or it cannot be opened.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  if (process.platform === 'win32') {
    throw new Error(
      'The embedded database needs Linux or macOS. Set DATABASE_URL to use a PostgreSQL server.',
    );
  }
  const { dataDir, log } = options;
  await mkdir(dataDir, { recursive: true });
  const socketDirectory = await prepareSocketDirectory(dataDir);
  const start = () =>
    startChild({
      entry: options.entry,
      execArgv: options.execArgv,
      databaseDirectory: join(dataDir, 'postgres'),
      socketDirectory,
      inUseMessage:
        `The data directory ${dataDir} is in use by another Botbase process. ` +
        'Stop that one, or set DATA_DIR to another directory.',
      pingIntervalMs: options.pingIntervalMs ?? defaultPingIntervalMs,
      pingTimeoutMs: options.pingTimeoutMs ?? defaultPingTimeoutMs,
    });

  let firstChild = start();
  while ((await firstChild.ready) === 'created') firstChild = start();
  return superviseChild(firstChild, start, socketDirectory, log);
}

function superviseChild(
  firstChild: DatabaseChild,
  start: () => DatabaseChild,
  socketDirectory: string,
  log: EmbeddedPostgresLog,
): EmbeddedPostgres {
  const stopping = new AbortController();
  let child = firstChild;
  let isReady = true;
  const waiters = createWaiters();
  const supervised = supervise();

  async function supervise() {
    let quickEnds = 0;
    while (!stopping.signal.aborted) {
      const readyAt = performance.now();
      const reason = await child.ended;
      isReady = false;
      if (stopping.signal.aborted) return;
      log.error({ processId: child.processId, reason }, 'the embedded database ended and is started again');
      quickEnds = performance.now() - readyAt > settledAfterMs ? 0 : quickEnds + 1;
      while (!(await tryRestart(quickEnds))) quickEnds += 1;
    }
  }

  /** False when the new child did not become ready either. */
  async function tryRestart(quickEnds: number): Promise<boolean> {
    // The first one is at once: after a FATAL error clients are waiting, and nothing is wrong with the files.
    const backoffMs = quickEnds < 2 ? 0 : Math.min(firstBackoffMs * 2 ** (quickEnds - 2), longestBackoffMs);
    await delay(backoffMs, undefined, { signal: stopping.signal }).catch(() => {});
    if (stopping.signal.aborted) return true;
    child = start();
    try {
      if ((await child.ready) === 'created') return false;
    } catch (error) {
      if (stopping.signal.aborted) return true;
      log.error(
        { processId: child.processId, err: error },
        'the embedded database could not be started again',
      );
      return false;
    }
    isReady = true;
    waiters.wake(null);
    log.info({ processId: child.processId }, 'the embedded database is ready again');
    return true;
  }

  function restart(reason: string) {
    if (!isReady || stopping.signal.aborted) return;
    log.warn({ processId: child.processId, reason }, 'the embedded database is killed and started again');
    isReady = false;
    child.kill(reason);
  }

  async function whenReady(signal?: AbortSignal) {
    signal?.throwIfAborted();
    if (stopping.signal.aborted) throw stoppedError();
    if (!isReady) await waiters.wait(signal);
  }

  async function stop() {
    stopping.abort();
    waiters.wake(stoppedError());
    await child.stop();
    await supervised;
  }

  return { socketDirectory, processId: () => child.processId, whenReady, restart, stop };
}

function stoppedError(): Error {
  return new Error('the embedded database is stopped');
}

/** Callers that wait for an event which comes again and again. */
function createWaiters() {
  const waiting = new Set<(error: Error | null) => void>();

  function wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (error: Error | null) => {
        waiting.delete(leave);
        signal?.removeEventListener('abort', abort);
        if (error === null) resolve();
        else reject(error);
      };
      const abort = () =>
        leave(new Error('the wait for the embedded database was given up', { cause: signal?.reason }));
      waiting.add(leave);
      signal?.addEventListener('abort', abort);
      if (signal?.aborted === true) abort();
    });
  }

  function wake(error: Error | null) {
    for (const leave of waiting) leave(error);
  }
  return { wait, wake };
}
