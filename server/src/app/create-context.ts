import { newId } from '#kernel/ids.js';
import type { RuntimeConfig } from '#platform/config/runtime-config.js';
import type { Context } from '#platform/context.js';
import type { JobBell } from '#platform/ports/job-bell.js';
import { type Logger, createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import { startProcessLease } from '#platform/processes/process-lease.js';
import { registerTracing } from '#platform/tracing.js';
import { observeChatModel } from '#providers/chat-models/observed-chat-model.js';
import { createChatModel } from '#providers/chat-models/registry.js';
import { createDocumentExtractor } from '#providers/document-extractor/document-extractor.js';
import { observeEmbedder } from '#providers/embedders/observed-embedder.js';
import { createEmbedder } from '#providers/embedders/registry.js';
import { startSentryErrorTracker } from '#providers/error-tracker/sentry-error-tracker.js';
import { createBullMqJobBell } from '#providers/job-bell/bullmq-job-bell.js';
import { createInMemoryLiveStreams } from '#providers/live-streams/in-memory-live-streams.js';
import { observeLiveStreams } from '#providers/live-streams/observed-live-streams.js';
import { createRedisLiveStreams } from '#providers/live-streams/redis-live-streams.js';
import { createPageFetcher } from '#providers/page-fetcher/page-fetcher.js';
import { createBcryptPasswordHasher } from '#providers/password-hasher/bcrypt-password-hasher.js';
import { createMemoryRateLimiter } from '#providers/rate-limiter/memory-rate-limiter.js';
import { createRedisRateLimiter } from '#providers/rate-limiter/redis-rate-limiter.js';
import { connectRedis } from '#providers/redis/connect-redis.js';
import { countEndpointEvents } from '#providers/resilience/endpoint-metrics.js';
import { createLruSearchCache } from '#providers/search-cache/lru-search-cache.js';
import { systemClock } from '#providers/system-clock.js';
import { startTraceExport } from '#providers/trace-export/start-trace-export.js';
import { createVitals } from '#providers/vitals/create-vitals.js';
import { processEntry } from './entries.js';
import { openDatabase } from './open-database.js';
import { openStorage } from './open-storage.js';
import { VERSION } from './version.js';

const MIB = 1024 * 1024;
/** For the last spans and errors, when all else has stopped. */
const TELEMETRY_FLUSH_MS = 2_000;
const EXTRACTION = {
  timeoutMs: 120_000,
  maxResidentBytes: 1024 * MIB,
  maxOutputCharacters: 50 * MIB,
  concurrency: 2,
};
const PAGE_FETCH = { timeoutMs: 30_000, maxRedirects: 5, userAgent: 'Botbase/0.1 (page fetcher)' };
const CHAT_MODEL_TIMEOUTS = {
  firstTokenTimeoutMs: 30_000,
  betweenTokensTimeoutMs: 20_000,
  totalTimeoutMs: 180_000,
};
/** Somebody waits for the first; an ingestion waits for an endpoint that may come back. */
const EMBEDDING_TIMEOUTS = { timeoutMs: { question: 5_000, passages: 120_000 }, tryTimeoutMs: 60_000 };

interface Resilience {
  onEvent: ReturnType<typeof countEndpointEvents>;
}
const SEARCH_CACHE = { maxBytes: 32 * MIB, ttlMs: 600_000 };

export interface OpenContext {
  ctx: Context;
  /** Null: no Redis; workers look for jobs by themselves. */
  bell: JobBell | null;
  /** No other process shares the database and the files. */
  isAlone: boolean;
  close: () => Promise<void>;
}

/** Builds the one context of a process: connects the database, brings its schema up to date, makes every provider. */
export async function createContext(
  config: RuntimeConfig,
  overrides: { log?: Logger } & Partial<Omit<Context, 'config' | 'db' | 'log' | 'metrics'>> = {},
): Promise<OpenContext> {
  registerTracing();
  const { role } = config;
  const processId = newId();
  const errors = await startSentryErrorTracker({
    dsn: config.sentryDsn,
    release: `botbase@${VERSION}`,
    environment: config.environment,
    role,
  });
  const onError = config.sentryDsn === null ? {} : { onError: errors.report };
  const log = overrides.log ?? createLogger(config.logLevel, onError);
  const about = { processId, version: VERSION, role };
  const traces = await startTraceExport({ endpoint: config.otlpEndpoint, log, about });
  const metrics = createMetrics();
  metrics.processInfo.set({ version: VERSION, role }, 1);
  const resilience = { onEvent: countEndpointEvents(metrics) };
  const database = await openDatabase(config, log, metrics);
  const redis = config.redisUrl === null ? null : connectRedis({ url: config.redisUrl, log });
  const bell = redis === null ? null : createBullMqJobBell({ redis });
  const files = await openStorage(config);
  const embedder = createEmbedder(embedderConfig(config, resilience));
  const ownStreams = observeLiveStreams(
    createInMemoryLiveStreams({ onFailure: (error) => log.error({ err: error }, 'a stream failed') }),
    metrics,
  );
  const sharedStreams =
    redis === null ? null : createRedisLiveStreams({ redis, processId, local: ownStreams });
  const ctx: Context = {
    config,
    processId,
    db: database.db,
    metrics,
    clock: systemClock,
    storage: files.storage,
    pages: createPageFetcher({
      allowPrivateNetworks: config.allowPrivateNetworks,
      maxBytes: config.maxUploadBytes,
      ...PAGE_FETCH,
    }),
    extractor: createDocumentExtractor({
      ...processEntry('app/extraction-process'),
      ...EXTRACTION,
      maxInputBytes: config.maxUploadBytes,
    }),
    embedder: embedder === null ? null : observeEmbedder(embedder, metrics),
    chatModel: observeChatModel(createChatModel(chatModelConfig(config, resilience)), metrics),
    searchCache: createLruSearchCache(SEARCH_CACHE),
    passwords: createBcryptPasswordHasher({ rounds: config.bcryptRounds }),
    streams: sharedStreams ?? ownStreams,
    limiter: redis === null ? createMemoryRateLimiter() : createRedisRateLimiter({ redis, log }),
    vitals: createVitals({
      pool: database.state,
      dataDir: config.dataDir,
      redis,
      modelsUrl: config.models.endpoint?.baseUrl ?? null,
    }),
    // What cannot be rung for now is rung for by the relay of a worker.
    dispatchJob: (ring) => void bell?.ring([ring]).catch(() => {}),
    afterCommit: (task) => task(),
    ...overrides,
    log,
  };
  const lease = await startProcessLease(ctx, { isAlone: database.isEmbedded, version: VERSION });
  const close = async () => {
    await lease.stop();
    await bell?.close();
    sharedStreams?.close();
    redis?.disconnect();
    files.close();
    await database.close();
    await Promise.all([traces.stop(TELEMETRY_FLUSH_MS), errors.stop(TELEMETRY_FLUSH_MS)]);
  };
  return { ctx, bell, isAlone: database.isEmbedded, close };
}

function embedderConfig(
  { models }: RuntimeConfig,
  resilience: Resilience,
): Parameters<typeof createEmbedder>[0] {
  const { endpoint, embedding } = models;
  if (endpoint === null || embedding === null) return { provider: 'none' };
  return { provider: 'openai-compatible', ...endpoint, ...embedding, ...EMBEDDING_TIMEOUTS, resilience };
}

function chatModelConfig(
  { models }: RuntimeConfig,
  resilience: Resilience,
): Parameters<typeof createChatModel>[0] {
  if (models.endpoint === null) return { provider: 'builtin' };
  return {
    provider: 'openai-compatible',
    ...models.endpoint,
    defaultModels: models.chat,
    ...CHAT_MODEL_TIMEOUTS,
    resilience,
  };
}
