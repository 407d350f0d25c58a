import { Redis } from 'ioredis';
import type { Logger } from '#platform/logger.js';

/** A command that is not answered by then fails, and its connection is given up: Redis is stopped or out of reach. */
const COMMAND_TIMEOUT_MS = 500;
const CONNECT_TIMEOUT_MS = 2_000;
const RECONNECT_STEP_MS = 100;
const MAX_RECONNECT_PAUSE_MS = 1_000;
/** A replica that refuses writes was the primary before a failover: connecting again may find the new one. */
const READ_ONLY_RECONNECT_MS = 10_000;

/**
 * A connection that comes back by itself for as long as the process runs, and never ends it. While Redis is away,
 * or was not there yet, every command fails at once; one in hand fails within `commandTimeoutMs`. Says once when Redis
 * goes and once when it is back.
 */
export function connectRedis(options: { url: string; log: Logger; commandTimeoutMs?: number }): Redis {
  const { url, log, commandTimeoutMs = COMMAND_TIMEOUT_MS } = options;
  const redis = new Redis(url, {
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: commandTimeoutMs,
    // Without it a connection to a stopped server stays, and each command waits for its own time limit.
    socketTimeout: commandTimeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // A command that has failed must not count a second time later.
    autoResendUnfulfilledCommands: false,
    retryStrategy: (tries) => Math.min(tries * RECONNECT_STEP_MS, MAX_RECONNECT_PAUSE_MS),
    reconnectOnError: atMostEvery(READ_ONLY_RECONNECT_MS, ({ message }) => message.startsWith('READONLY')),
  });
  tellOfAbsence(redis, log);
  return redis;
}

/** Whether a command would fail at once. */
export function isRedisAway(redis: Redis): boolean {
  return redis.status !== 'ready';
}

/** A second connection as the first, for subscriptions; the first one tells when Redis is away. */
export function duplicateRedis(redis: Redis): Redis {
  const duplicate = redis.duplicate({ autoResubscribe: false });
  duplicate.on('error', () => {});
  return duplicate;
}

function tellOfAbsence(redis: Redis, log: Logger): void {
  const state: { isTold: boolean; reason: string | null } = { isTold: false, reason: null };
  redis.on('error', (error: Error & { code?: string }) => {
    // Of an error no more than this: what it carries beside may hold the password.
    state.reason = error.message === '' ? (error.code ?? error.name) : error.message;
  });
  redis.on('close', () => {
    const isMeant = redis.status === 'end';
    if (isMeant || state.isTold) return;
    state.isTold = true;
    log.warn({ reason: state.reason }, 'Redis is away: this process goes on by itself');
  });
  redis.on('ready', () => {
    state.reason = null;
    if (!state.isTold) return;
    state.isTold = false;
    log.info('Redis is back');
  });
}

function atMostEvery(pauseMs: number, isDue: (error: Error) => boolean): (error: Error) => boolean {
  let lastAt = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (!isDue(error) || performance.now() - lastAt < pauseMs) return false;
    lastAt = performance.now();
    return true;
  };
}
