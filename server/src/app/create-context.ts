import { join } from 'node:path';
import { newId } from '#kernel/ids.js';
import type { RuntimeConfig } from '#platform/config/runtime-config.js';
import type { Context } from '#platform/context.js';
import type { JobBell } from '#platform/ports/job-bell.js';
import { type Logger, createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import { startProcessLease } from '#platform/processes/process-lease.js';
import { createChatModel } from '#providers/chat-models/registry.js';
import { createDocumentExtractor } from '#providers/document-extractor/document-extractor.js';
import { createEmbedder } from '#providers/embedders/registry.js';
import { createLocalFileStorage } from '#providers/file-storage/local-file-storage.js';
import { createBullMqJobBell } from '#providers/job-bell/bullmq-job-bell.js';
import { createInMemoryLiveStreams } from '#providers/live-streams/in-memory-live-streams.js';
import { createPageFetcher } from '#providers/page-fetcher/page-fetcher.js';
import { createBcryptPasswordHasher } from '#providers/password-hasher/bcrypt-password-hasher.js';
import { connectRedis } from '#providers/redis/connect-redis.js';
import { systemClock } from '#providers/system-clock.js';
import { processEntry } from './entries.js';
import { openDatabase } from './open-database.js';
import { VERSION } from './version.js';

const MIB = 1024 * 1024;
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
  const log = overrides.log ?? createLogger(config.logLevel);
  const metrics = createMetrics();
  const database = await openDatabase(config, log, metrics);
  const redis = config.redisUrl === null ? null : connectRedis({ url: config.redisUrl, log });
  const bell = redis === null ? null : createBullMqJobBell({ redis });
  const ctx: Context = {
    config,
    processId: newId(),
    db: database.db,
    metrics,
    clock: systemClock,
    storage: createLocalFileStorage({ directory: join(config.dataDir, 'files') }),
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
    embedder: createEmbedder(embedderConfig(config)),
    chatModel: createChatModel(chatModelConfig(config)),
    passwords: createBcryptPasswordHasher({ rounds: config.bcryptRounds }),
    streams: createInMemoryLiveStreams({
      onFailure: (error) => log.error({ err: error }, 'a stream failed'),
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
    redis?.disconnect();
    await database.close();
  };
  return { ctx, bell, isAlone: database.isEmbedded, close };
}

function embedderConfig({ models }: RuntimeConfig): Parameters<typeof createEmbedder>[0] {
  const { endpoint, embedding } = models;
  if (endpoint === null || embedding === null) return { provider: 'none' };
  return { provider: 'openai-compatible', ...endpoint, ...embedding, ...EMBEDDING_TIMEOUTS };
}

function chatModelConfig({ models }: RuntimeConfig): Parameters<typeof createChatModel>[0] {
  if (models.endpoint === null) return { provider: 'builtin' };
  return {
    provider: 'openai-compatible',
    ...models.endpoint,
    defaultModels: models.chat,
    ...CHAT_MODEL_TIMEOUTS,
  };
}
