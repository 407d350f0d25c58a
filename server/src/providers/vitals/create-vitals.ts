import { statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Redis } from 'ioredis';
import type { Vitals } from '#platform/ports/vitals.js';

const CONNECT_TIMEOUT_MS = 2_000;
const DEFAULT_PORTS: Record<string, number> = { 'http:': 80, 'https:': 443 };

/** Looks at what a process stands on: its pool, its disk, its Redis, and whether the model endpoint can be reached. */
export function createVitals(options: {
  pool: Vitals['pool'];
  dataDir: string;
  redis: Redis | null;
  /** Null: the models are built in. */
  modelsUrl: string | null;
}): Vitals {
  const { pool, dataDir, redis, modelsUrl } = options;
  return {
    pool,
    disk: async () => {
      const { bavail, blocks, bsize } = await statfs(dataDir);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    },
    pingRedis: redis === null ? null : async () => void (await redis.ping()),
    reachModels: modelsUrl === null ? null : () => reach(new URL(modelsUrl)),
  };
}

/** Connects and leaves again: a request would cost money, or need a right that the key may not have. */
function reach({ protocol, hostname, port }: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      // An IPv6 address stands in brackets in a URL alone.
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (DEFAULT_PORTS[protocol] ?? 443) : Number(port),
    });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('nobody answered in time')));
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}
