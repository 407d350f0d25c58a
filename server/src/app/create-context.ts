import { join } from 'node:path';
import type { RuntimeConfig } from '#platform/config/runtime-config.js';
import type { Context } from '#platform/context.js';
import { type Logger, createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import { createChatModel } from '#providers/chat-models/registry.js';
import { createDocumentExtractor } from '#providers/document-extractor/document-extractor.js';
import { createEmbedder } from '#providers/embedders/registry.js';
import { createLocalFileStorage } from '#providers/file-storage/local-file-storage.js';
import { createInMemoryLiveStreams } from '#providers/live-streams/in-memory-live-streams.js';
import { createPageFetcher } from '#providers/page-fetcher/page-fetcher.js';
import { createBcryptPasswordHasher } from '#providers/password-hasher/bcrypt-password-hasher.js';
import { systemClock } from '#providers/system-clock.js';
import { processEntry } from './entries.js';
import { openDatabase } from './open-database.js';

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
const EMBEDDING_TIMEOUT_MS = 60_000;

export interface OpenContext {
  ctx: Context;
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
  const ctx: Context = {
    config,
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
    dispatchJob: () => {},
    afterCommit: (task) => task(),
    ...overrides,
    log,
  };
  return { ctx, isAlone: database.isEmbedded, close: () => database.close() };
}

function embedderConfig({ models }: RuntimeConfig): Parameters<typeof createEmbedder>[0] {
  const { endpoint, embedding } = models;
  if (endpoint === null || embedding === null) return { provider: 'none' };
  return { provider: 'openai-compatible', ...endpoint, ...embedding, timeoutMs: EMBEDDING_TIMEOUT_MS };
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
