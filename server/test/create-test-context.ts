import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobRegistry } from '#app/job-handlers.js';
import { createContext } from '#app/create-context.js';
import { loadSecrets } from '#app/load-secrets.js';
import { parseConfig } from '#platform/config/config.js';
import type { Context } from '#platform/context.js';
import type { Mail } from '#platform/ports/mailer.js';
import { runNextJob } from '#platform/jobs/run-job.js';
import { createLogger } from '#platform/logger.js';
import { type FakeClock, createFakeClock } from './fakes/fake-clock.js';
import type { ObservedQuery } from '#platform/database.js';
import { startPooledPostgres } from './pooled-postgres.js';
import { shareExtractor } from './shared-extractor.js';
import { createServerDatabase } from './test-database.js';

export interface TestContext {
  ctx: Context;
  clock: FakeClock;
  dataDir: string;
  /** Every line that was logged, from `debug` on. */
  logLines: string[];
  /** Every mail that was sent, the newest last: mails go by jobs, so `runJobs()` first. */
  mails: Mail[];
  /** Runs all jobs that are due with the real handlers, those that they enqueue too. */
  runJobs: () => Promise<void>;
  close: () => Promise<void>;
}

/** The real context on a database and a folder of its own, with a clock that tests move. */
export async function createTestContext(
  options: {
    environment?: Record<string, string>;
    overrides?: Partial<Pick<Context, 'pages' | 'extractor' | 'mailer'>>;
    /** Is told of every statement to the database. */
    watchQueries?: (query: ObservedQuery) => void;
  } = {},
): Promise<TestContext> {
  const dataDir = await mkdtemp(join(tmpdir(), 'botbase-test-'));
  const database = await createServerDatabase();
  const config = await loadSecrets(
    parseConfig({
      NODE_ENV: 'test',
      DATA_DIR: dataDir,
      BCRYPT_ROUNDS: '4',
      JWT_SECRET: randomBytes(48).toString('base64'),
      ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      RATE_LIMIT_MAX_REQUESTS: '100000',
      RATE_LIMIT_MAX_REQUESTS_AUTH: '100000',
      ...database?.environment,
      ...options.environment,
    }),
  );
  const clock = createFakeClock(new Date().toISOString());
  const logLines: string[] = [];
  const log = createLogger('debug', { write: (line) => void logLines.push(line) });
  const mails: Mail[] = [];
  const mailer = { send: async (mail: Mail) => void mails.push(mail), close: () => {} };
  const { watchQueries } = options;
  const { ctx, close } = await createContext(config, {
    clock,
    log,
    mailer,
    watchQueries,
    extractor: shareExtractor(config),
    startEmbedded: startPooledPostgres,
    ...options.overrides,
  });
  return {
    ctx,
    clock,
    dataDir,
    logLines,
    mails,
    runJobs: async () => {
      const never = new AbortController().signal;
      while (await runNextJob(ctx, jobRegistry, 'test', never));
    },
    close: async () => {
      await close();
      await database?.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
