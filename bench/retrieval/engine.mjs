// An engine of the product: the embedded database, or a database of its own on a server; the server process on it, and
// the same code in this process.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SECRETS, startBotbase } from '../botbase.mjs';
import { createDatabase, findPostmaster } from '../ingest/database.mjs';
import { meterCpu } from '../ingest/processes.mjs';

const FILES = [
  'app/create-context.js',
  'app/load-secrets.js',
  'features/retrieval/retrieve-passages.js',
  'features/search-index/merge-segments.js',
  'platform/config/config.js',
  'platform/scope.js',
];

const MS_PER_SECOND = 1_000;

/** Those that can run here: a server has to be named by DATABASE_URL or TEST_DATABASE_URL. */
export function listEngines() {
  const hasServer = (process.env.DATABASE_URL ?? process.env.TEST_DATABASE_URL) !== undefined;
  return hasServer ? ['server', 'embedded'] : ['embedded'];
}

/** @param name `embedded` or `server` */
export async function openEngine(name) {
  const modules = await Promise.all(FILES.map((file) => import(`../../server/dist/${file}`)));
  const product = Object.assign({}, ...modules);
  const database = name === 'server' ? await createDatabase() : null;
  const dataDir = await mkdtemp(join(tmpdir(), 'botbase-bench-'));
  const settings = { DATA_DIR: dataDir, ...(database && { DATABASE_URL: database.url }) };
  return {
    name,
    product,
    /** Runs `act` with the server process, which has ended when this returns. */
    withServer: async (act) => {
      const server = await startBotbase(settings);
      try {
        return await act(server);
      } finally {
        await server.stop({ isOrderly: true });
      }
    },
    /** Runs `act` with the context of the product in this process. The embedded database is then its alone. */
    withContext: async (act) => {
      const config = await product.loadSecrets(
        product.parseConfig({ ...SECRETS, ...settings, LOG_LEVEL: 'error' }),
      );
      const { ctx, close } = await product.createContext(config);
      try {
        return await act(ctx);
      } finally {
        await close();
      }
    },
    close: async () => {
      await database?.drop();
      await rm(dataDir, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** @returns a function that says how busy others have kept the machine since: figures of a busy one are no good */
export async function watchOthers({ name }) {
  const now = meterCpu(name === 'server' ? { postgres: await findPostmaster() } : {});
  return () => `others took ${Math.round(now().foreignShare * 100)} % of the machine`;
}

/** @returns a function that gives the CPU ms of the server process and its database since, one of `count` searches */
export async function watchSearches({ name }, { processId }) {
  const postgres = name === 'server' ? await findPostmaster() : undefined;
  const now = meterCpu({ server: processId, ...(postgres && { postgres }) });
  return (count) => {
    const cpu = now();
    return ((cpu.server + (cpu.postgres ?? 0)) * MS_PER_SECOND) / count;
  };
}

/**
 * What the schedule does from the first hour on: merges what so many single sources have left. On a server autovacuum
 * would come by soon, in the middle of a measurement; the embedded database has none.
 */
export async function mergeIndex({ name, product }, ctx) {
  const count = await product.mergeAllSegments(ctx, new AbortController().signal);
  if (name === 'server') await ctx.db.execute('vacuum analyze');
  return count;
}

/** The scope of a project for the product's own code. */
export function scopeOf({ product }, projectId) {
  return product.mintProjectScope(product.systemCaller, projectId, null);
}
