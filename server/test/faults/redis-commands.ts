import { randomInt } from 'node:crypto';
import { Redis } from 'ioredis';

/** Runs a command on a connection of its own, so that no state of one outlives a restart of the server. */
export async function runRedisCommand(url: string, name: string, ...values: string[]): Promise<unknown> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
  // Each failure also comes as a rejection.
  client.on('error', () => {});
  try {
    await client.connect();
    return await client.call(name, ...values);
  } finally {
    client.disconnect();
  }
}

/**
 * One of the numbered databases of a server, empty, so that tests which share the server do not see each other's keys.
 * Published messages go to all of them.
 */
export async function pickRedisDatabase(serverUrl: string): Promise<string> {
  const setting = await runRedisCommand(serverUrl, 'CONFIG', 'GET', 'databases');
  const count = Array.isArray(setting) ? Number(setting[1]) : Number.NaN;
  const url = new URL(serverUrl);
  url.pathname = `/${randomInt(1, count)}`;
  await runRedisCommand(url.href, 'FLUSHDB');
  return url.href;
}
