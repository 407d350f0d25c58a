import type { RuntimeConfig } from './config/runtime-config.js';
import type { Database } from './database.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';
import type { ChatModel } from './ports/chat-model.js';
import type { Clock } from './ports/clock.js';
import type { DefinitionCache } from './ports/definition-cache.js';
import type { DocumentExtractor } from './ports/document-extractor.js';
import type { Embedder } from './ports/embedder.js';
import type { FileStorage } from './ports/file-storage.js';
import type { JobRing } from './ports/job-bell.js';
import type { LiveStreams } from './ports/live-streams.js';
import type { Mailer } from './ports/mailer.js';
import type { PageFetcher } from './ports/page-fetcher.js';
import type { PageRenderer } from './ports/page-renderer.js';
import type { PasswordHasher } from './ports/password-hasher.js';
import type { RateLimiter } from './ports/rate-limiter.js';
import type { Payments } from './ports/payments.js';
import type { Reranker } from './ports/reranker.js';
import type { SearchCache } from './ports/search-cache.js';
import type { SearchMemory } from './ports/search-memory.js';
import type { Vitals } from './ports/vitals.js';

/** Everything that has an effect, built once in `app/create-context.ts` and passed down by hand. */
export interface Context {
  config: RuntimeConfig;
  /** Of this run of this process: what it has in hand is written under it. */
  processId: string;
  db: Database;
  /** A connection for signs of life alone, so that a busy pool does not make a living process look dead. */
  pulse: Database;
  log: Logger;
  metrics: Metrics;
  clock: Clock;
  storage: FileStorage;
  pages: PageFetcher;
  /** Null: no browser is configured. */
  renderer: PageRenderer | null;
  extractor: DocumentExtractor;
  /** Null: no embedding model is configured, retrieval goes by words alone. */
  embedder: Embedder | null;
  chatModel: ChatModel;
  /** Null: no rerank endpoint is configured. */
  reranker: Reranker | null;
  /** What searches found, kept for those who ask the same. */
  searchCache: SearchCache;
  /** What this process remembers of the indexes that it searches. */
  searchMemory: SearchMemory;
  /** Definitions of plans and add-ons, as they are shown. */
  definitions: DefinitionCache;
  mailer: Mailer;
  /** Null: nothing can be paid, admins give out plans. */
  payments: Payments | null;
  passwords: PasswordHasher;
  limiter: RateLimiter;
  streams: LiveStreams;
  vitals: Vitals;
  /** Tells a worker that a job is due; called after commit. It may fail: workers look for themselves as well. */
  dispatchJob: (ring: JobRing) => void;
  /** Runs a task when the outermost transaction has committed; at once where there is none. */
  afterCommit: (task: () => void) => void;
}
