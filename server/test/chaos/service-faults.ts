import { type FaultProxy, startFaultProxy } from '../faults/fault-proxy.js';
import { runRedisCommand } from '../faults/redis-commands.js';
import type { ClusterOptions } from '../faults/start-cluster.js';
import { type PostgresServer, startPostgres } from '../faults/start-postgres.js';
import { type RedisServer, startRedis } from '../faults/start-redis.js';
import { type Chaos, startChaos } from './chaos-cluster.js';

/** A service of the test's own, and the way that the processes take to it. */
interface Faulty<Server> {
  server: Server;
  proxy: FaultProxy;
}

export interface ChaosOnRedis extends Chaos {
  redis: Faulty<RedisServer>;
}

export interface ChaosOnPostgres extends Chaos {
  postgres: Faulty<PostgresServer>;
}

/** Two API processes and two workers with a Redis of their own, which they reach through a proxy. */
export async function startChaosOnRedis(options: ClusterOptions = {}): Promise<ChaosOnRedis> {
  const server = await startRedis();
  const proxy = await startFaultProxy(server.url);
  const closeServer = async () => {
    await proxy.close();
    await server.close();
  };
  const chaos = await startOr(closeServer, () =>
    startChaos({ ...options, redisUrl: proxy.through(server.url) }),
  );
  const close = async () => {
    await chaos.close();
    await closeServer();
  };
  return { ...chaos, redis: { server, proxy }, close };
}

/** The same with a PostgreSQL of their own. */
export async function startChaosOnPostgres(options: ClusterOptions = {}): Promise<ChaosOnPostgres> {
  const server = await startPostgres();
  const proxy = await startFaultProxy(server.url);
  const closeServer = async () => {
    await proxy.close();
    await server.close();
  };
  const chaos = await startOr(closeServer, () =>
    startChaos({ ...options, databaseServerUrl: server.url, throughDatabaseProxy: proxy.through }),
  );
  // Its database goes with its server, which may be down.
  const close = async () => {
    await chaos.close().catch(() => {});
    await closeServer();
  };
  return { ...chaos, postgres: { server, proxy }, close };
}

/** Puts a proxy between the processes and the model endpoint; they start anew for it. */
export async function proxyModels(chaos: Chaos): Promise<FaultProxy> {
  const proxy = await startFaultProxy(chaos.openai.baseUrl);
  const settings = { OPENAI_BASE_URL: proxy.through(chaos.openai.baseUrl) };
  await Promise.all(
    chaos.cluster.nodes.map(async (node) => {
      await node.end('SIGKILL');
      await node.start(settings);
    }),
  );
  return proxy;
}

/** Whoever asks for /health has its storage probed: a file of no source, and meant to be there. */
const PROBE_FILE = 'file health/probe of no source';

/** As `chaos.findBroken`, in tests that ask for /health. */
export async function findBroken(chaos: Chaos): Promise<string[]> {
  return (await chaos.findBroken()).filter((line) => !line.includes(PROBE_FILE));
}

/** Rings that wait in Redis for a worker. */
export async function countRings(redis: RedisServer): Promise<number> {
  return Number(await runRedisCommand(redis.url, 'ZCARD', 'botbase:jobs:prioritized'));
}

async function startOr<T>(cleanUp: () => Promise<void>, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    await cleanUp();
    throw error;
  }
}
