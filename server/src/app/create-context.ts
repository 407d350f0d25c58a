import { newId } from '#kernel/ids.js';
import type { RuntimeConfig } from '#platform/config/runtime-config.js';
import type { Context } from '#platform/context.js';
import type { ObservedQuery } from '#platform/database.js';
import type { JobBell } from '#platform/ports/job-bell.js';
import type { Logger } from '#platform/logger.js';
import { startProcessLease } from '#platform/processes/process-lease.js';
import { fitVectorStorage } from '#features/retrieval/fit-vector-storage.js';
import { createPageFetcher } from '#providers/page-fetcher/page-fetcher.js';
import { createPageRenderer } from '#providers/page-renderer/page-renderer.js';
import { createBcryptPasswordHasher } from '#providers/password-hasher/bcrypt-password-hasher.js';
import { createLruSearchCache } from '#providers/search-cache/lru-search-cache.js';
import { createLruSearchMemory } from '#providers/search-memory/lru-search-memory.js';
import { createDatabaseClock } from '#providers/database-clock.js';
import { createVitals } from '#providers/vitals/create-vitals.js';
import { type StartEmbedded, openDatabase } from './open-database.js';
import { openExtractor } from './open-extractor.js';
import { openMailer } from './open-mailer.js';
import { openModels } from './open-models.js';
import { openPayments } from './open-payments.js';
import { openRedis } from './open-redis.js';
import { openStorage } from './open-storage.js';
import { openTelemetry } from './open-telemetry.js';
import { VERSION } from './version.js';

const MIB = 1024 * 1024;
const PAGE_FETCH = { timeoutMs: 20_000, maxRedirects: 5 };
const PAGE_RENDERING = { timeoutMs: 30_000, maxBytes: 10 * MIB };
const SEARCH_CACHE = { maxBytes: 32 * MIB, ttlMs: 600_000 };
/** 100,000 chunks take about 3 MB. */
const SEARCH_MEMORY = { maxBytes: 64 * MIB, concurrency: 4 };

export interface OpenContext {
  ctx: Context;
  /** Null: no Redis; workers look for jobs by themselves. */
  bell: JobBell | null;
  /** No other process shares the database and the files. */
  isAlone: boolean;
  close: () => Promise<void>;
}

interface ContextOptions extends Partial<Omit<Context, 'config' | 'db' | 'pulse' | 'log' | 'metrics'>> {
  log?: Logger;
  /** Is told of every statement to the database. */
  watchQueries?: ((query: ObservedQuery) => void) | undefined;
  /** Where no server is configured: in a process of its own unless said otherwise. */
  startEmbedded?: StartEmbedded;
}

/** Builds the one context of a process: connects the database, brings its schema up to date, makes every provider. */
export async function createContext(
  config: RuntimeConfig,
  { watchQueries, startEmbedded, ...overrides }: ContextOptions = {},
): Promise<OpenContext> {
  const processId = newId();
  const telemetry = await openTelemetry(config, { processId, log: overrides.log });
  const { log, metrics } = telemetry;
  const database = await openDatabase(config, log, metrics, { watchQueries, startEmbedded });
  const shared = openRedis({ config, log, metrics, processId });
  const files = await openStorage(config);
  const clock = createDatabaseClock();
  const pages = createPageFetcher({
    allowPrivateNetworks: config.allowPrivateNetworks,
    maxBytes: config.maxUploadBytes,
    userAgent: userAgentOf(config),
    ...PAGE_FETCH,
  });
  const renderer =
    config.browser &&
    createPageRenderer({ pages, browser: config.browser, userAgent: userAgentOf(config), ...PAGE_RENDERING });
  const ctx: Context = {
    config,
    processId,
    db: database.db,
    pulse: database.pulse,
    metrics,
    clock,
    storage: files.storage,
    pages,
    renderer,
    extractor: openExtractor(config),
    ...openModels(config, metrics),
    searchCache: createLruSearchCache(SEARCH_CACHE),
    searchMemory: createLruSearchMemory(SEARCH_MEMORY),
    mailer: openMailer(config, log),
    payments: openPayments(config),
    passwords: createBcryptPasswordHasher({ rounds: config.bcryptRounds }),
    streams: shared.streams,
    limiter: shared.limiter,
    definitions: shared.definitions,
    vitals: createVitals({
      pool: database.state,
      dataDir: config.dataDir,
      redis: shared.redis,
      modelsUrl: config.models.endpoint?.baseUrl ?? null,
    }),
    dispatchJob: shared.dispatchJob,
    afterCommit: (task) => task(),
    ...overrides,
    log,
  };
  // Before any job writes vectors.
  await fitVectorStorage(ctx, 'any');
  const lease = await startProcessLease(ctx, {
    isAlone: database.isEmbedded,
    version: VERSION,
    onBeat: clock.anchor,
  });
  const close = async () => {
    await lease.stop();
    await renderer?.close();
    await shared.close();
    files.close();
    ctx.mailer.close();
    await database.close();
    await telemetry.close();
  };
  return { ctx, bell: shared.bell, isAlone: database.isEmbedded, close };
}

/** Its first word is how robots.txt files address it; whoever wonders finds out who runs it. */
function userAgentOf({ http }: RuntimeConfig): string {
  return `Botbase/${VERSION} (crawler${http.publicUrl === null ? '' : `; +${http.publicUrl}`})`;
}
