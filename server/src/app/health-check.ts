import { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import type { Context } from '#platform/context.js';
import type { ModelEndpoint } from '#platform/ports/model-endpoint.js';
import type { DiskSpace } from '#platform/ports/vitals.js';
import { type Reading, createProbe } from './probe.js';

const PROBE = { freshMs: 1_000, timeoutMs: 2_000 };
/** Each look at these is a request that somebody counts, or charges for. */
const REMOTE_PROBE = { freshMs: 10_000, timeoutMs: 2_000 };
/** A database that takes longer for nothing at all keeps people waiting. */
const SLOW_MS = 1_000;
const MIB = 1024 * 1024;
const LOW_DISK_BYTES = 500 * MIB;
const LOW_DISK_PART = 0.05;
/** Less does not hold one write of anything. */
const FULL_DISK_BYTES = 16 * MIB;

type PartStatus = 'ok' | 'degraded' | 'failed';

interface Part {
  status: PartStatus;
  milliseconds: number;
  /** What people should know beside the status; null: nothing. */
  detail: string | null;
}

interface Health {
  /** `degraded`: requests are served, some of them in another way; `unavailable`: they cannot be. */
  status: 'ok' | 'degraded' | 'unavailable';
  parts: Record<'database' | 'queue' | 'chat' | 'embeddings' | 'storage' | 'disk', Part>;
}

type HealthContext = Pick<Context, 'db' | 'config' | 'storage' | 'vitals' | 'chatModel' | 'embedder'>;

interface HealthCheck {
  /** Every part. Each has a time limit, so that the whole has one. */
  look: () => Promise<Health>;
  /** Whether requests can be served. It waits for nothing that can be done without. */
  isReady: () => Promise<boolean>;
}

export function createHealthCheck(ctx: HealthContext): HealthCheck {
  const { s3, database } = ctx.config;
  const probeDatabase = createProbe(() => ctx.db.execute(sql`select 1`), PROBE);
  const probeRedis = createProbe(async () => (await ctx.vitals.pingRedis?.(), true), PROBE);
  const probeModels = createProbe(async () => (await ctx.vitals.reachModels?.(), true), REMOTE_PROBE);
  const probeStorage = createProbe(
    () => ctx.storage.write('health/probe', Readable.from(['ok'])),
    s3 === null ? PROBE : REMOTE_PROBE,
  );
  const probeDisk = createProbe(() => ctx.vitals.disk(), PROBE);

  const needed = {
    database: async () => databasePart(await probeDatabase()),
    storage: async () => storagePart(await probeStorage(), s3 !== null),
    disk: async () => diskPart(await probeDisk()),
  };
  const isReady = async () => {
    const parts = await Promise.all([
      needed.database(),
      // Without its bucket everything but uploads goes on; without its disk a process that keeps files there does not.
      ...(s3 === null ? [needed.storage()] : []),
      ...(s3 === null || database.url === null ? [needed.disk()] : []),
    ]);
    return parts.every(({ status }) => status !== 'failed');
  };
  const look = async (): Promise<Health> => {
    const hasRedis = ctx.vitals.pingRedis !== null;
    const [isAvailable, databaseState, redis, models, storage, disk] = await Promise.all([
      isReady(),
      needed.database(),
      probeRedis(),
      probeModels(),
      needed.storage(),
      needed.disk(),
    ]);
    const parts = {
      database: databaseState,
      queue: queuePart(redis, hasRedis),
      chat: endpointPart(models, ctx.chatModel.endpoint, 'Built in: it needs no endpoint.'),
      embeddings: endpointPart(models, ctx.embedder?.endpoint ?? null, 'None: retrieval goes by words.'),
      storage,
      disk,
    };
    if (!isAvailable) return { status: 'unavailable', parts };
    const isWhole = Object.values(parts).every(({ status }) => status === 'ok');
    return { status: isWhole ? 'ok' : 'degraded', parts };
  };
  return { look, isReady };
}

function databasePart({ value, milliseconds }: Reading<unknown>): Part {
  if (value === null) return part('failed', milliseconds, 'It does not answer, or has no connection free.');
  return milliseconds > SLOW_MS
    ? part('degraded', milliseconds, 'It answers slowly.')
    : part('ok', milliseconds);
}

/** Jobs are rows in the database; Redis only rings for them. */
function queuePart({ value, milliseconds }: Reading<unknown>, hasRedis: boolean): Part {
  if (!hasRedis) return part('ok', 0, 'In this process: no Redis is configured.');
  return value === null
    ? part(
        'degraded',
        milliseconds,
        'Redis is away: workers look for jobs, each process keeps its own limits.',
      )
    : part('ok', milliseconds, 'Rung through Redis.');
}

function endpointPart(
  { value, milliseconds }: Reading<unknown>,
  endpoint: ModelEndpoint | null,
  whereNone: string,
): Part {
  if (endpoint === null) return part('ok', 0, whereNone);
  const circuit = endpoint.circuit();
  if (value === null) return part('failed', milliseconds, 'The endpoint cannot be reached.');
  if (circuit === 'closed') return part('ok', milliseconds);
  return part('degraded', milliseconds, 'It failed too often: calls are held back until one is answered.');
}

function storagePart({ value, milliseconds }: Reading<unknown>, isRemote: boolean): Part {
  const where = isRemote ? 'The bucket' : 'The folder of uploaded files';
  return value === null
    ? part('failed', milliseconds, `${where} cannot be written.`)
    : part('ok', milliseconds);
}

function diskPart({ value, milliseconds }: Reading<DiskSpace>): Part {
  if (value === null) return part('failed', milliseconds, 'DATA_DIR cannot be read.');
  const { freeBytes, totalBytes } = value;
  const free = `${Math.floor(freeBytes / MIB)} MiB of ${Math.floor(totalBytes / MIB)} MiB are free.`;
  if (freeBytes < FULL_DISK_BYTES) return part('failed', milliseconds, free);
  const isLow = freeBytes < LOW_DISK_BYTES || freeBytes < totalBytes * LOW_DISK_PART;
  return part(isLow ? 'degraded' : 'ok', milliseconds, free);
}

function part(status: PartStatus, milliseconds: number, detail: string | null = null): Part {
  return { status, milliseconds, detail };
}
