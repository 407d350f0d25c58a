import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../eventually.js';
import { findPort } from './find-port.js';
import { runRedisCommand } from './redis-commands.js';
import { type ServerProcess, endServerProcess, startServerProcess } from './server-process.js';

export interface RedisServer {
  url: string;
  port: number;
  /** E.g. `command('FLUSHALL')`, `command('CONFIG', 'SET', 'maxmemory', '1mb')`. */
  command: (name: string, ...values: string[]) => Promise<unknown>;
  /** To the process, e.g. SIGSTOP and SIGCONT; after SIGKILL, `start` brings it back. */
  kill: (signal: NodeJS.Signals) => Promise<void>;
  /** As a shutdown does: what is persistent is written. */
  stop: () => Promise<void>;
  /** On the same port, with the data that were persistent; waits until it answers. */
  start: () => Promise<void>;
  restart: () => Promise<void>;
  /** Stops it and removes its data. */
  close: () => Promise<void>;
}

/** A Redis server of the test's own; `redis-server` has to be on PATH. */
export async function startRedis(options: { isPersistent?: boolean } = {}): Promise<RedisServer> {
  const directory = await mkdtemp(join(tmpdir(), 'botbase-redis-'));
  const port = await findPort();
  const url = `redis://127.0.0.1:${port}`;
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    dir: directory,
    save: '',
    appendonly: options.isPersistent === false ? 'no' : 'yes',
    'maxmemory-policy': 'noeviction',
  };
  const commandLine = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  let server: ServerProcess | null = null;

  const start = async () => {
    const started = startServerProcess('redis-server', commandLine);
    server = started;
    await eventually('Redis to answer', async () => {
      if (started.hasEnded()) throw new Error(`redis-server ended: ${started.output()}`);
      const reply = await runRedisCommand(url, 'PING').catch(() => null);
      return reply === 'PONG' ? reply : null;
    });
  };
  const stop = async () => {
    if (server !== null) await endServerProcess(server, 'SIGTERM');
  };
  const close = async () => {
    await stop();
    await rm(directory, { recursive: true, force: true });
  };
  await start().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    url,
    port,
    command: (name, ...values) => runRedisCommand(url, name, ...values),
    kill: async (signal) => {
      server?.kill(signal);
      if (signal === 'SIGKILL') await server?.ended;
    },
    stop,
    start,
    restart: async () => {
      await stop();
      await start();
    },
    close,
  };
}
