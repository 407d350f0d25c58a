import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Plugin, defineConfig } from 'vitest/config';
import type { Vitest } from 'vitest/node';

const shared = {
  resolve: { conditions: ['botbase-source'] },
  ssr: { resolve: { conditions: ['botbase-source'] } },
  // Where vitest loads the global setup: without it that would come from the last build.
  environments: { __vitest__: { resolve: { conditions: ['botbase-source'] } } },
};

const UNIT_TESTS = ['src/{kernel,rag}/**/*.test.ts', 'src/**/*.unit.test.ts'];
/** Processes with an embedded database of their own, also where there is a server. */
const EMBEDDED_TESTS = ['src/providers/embedded-postgres/**/*.test.ts', 'test/{process,telemetry}.test.ts'];
/** Files, processes and the network, and no database: once is enough, whatever the database. */
const OUTSIDE_TESTS = [
  'src/features/ingestion/extractors/**/*.test.ts',
  'src/providers/{document-extractor,page-fetcher,page-renderer,embedders,chat-models,rerankers}/**/*.test.ts',
  'src/providers/{file-storage,mailer,password-hasher}/**/*.test.ts',
  'src/providers/{live-streams/in-memory,rate-limiter/memory}-*.test.ts',
  'src/app/{extraction-process,load-secrets}.test.ts',
  'src/platform/migrations.test.ts',
  'src/platform/http/event-stream.test.ts',
  'test/fakes/**/*.test.ts',
  'test/faults/fault-proxy.test.ts',
  'test/operations/{database-url,deployment}.test.ts',
  'test/security-docs.test.ts',
];
const SERVICE_TESTS = ['{src,test}/**/*.services.test.ts'];
const CHAOS_TESTS = ['test/chaos/**/*.test.ts'];

const inTests = (name: string) => fileURLToPath(new URL(`server/test/${name}.ts`, import.meta.url));
const BUILD_SETUP = inTests('build-setup');
const DATABASE_SETUP = inTests('database-setup');

/** What scripts/with-services.sh provides. */
const hasServices = ['TEST_DATABASE_URL', 'TEST_REDIS_URL'].every((name) => (process.env[name] ?? '') !== '');

/** Where the servers are missing, none of these tests runs, and the last line of a run that asked for them says so. */
function onServices(name: string, tests: string[]) {
  return {
    ...shared,
    plugins: hasServices ? [] : [announceSkip(name)],
    test: {
      name,
      root: 'server',
      include: tests,
      exclude: hasServices ? [] : ['**'],
      globalSetup: [BUILD_SETUP, DATABASE_SETUP],
    },
  };
}

function announceSkip(name: string): Plugin {
  return {
    name: `announce-skip-of-${name}`,
    configureVitest: ({ vitest }: { vitest: Vitest }) => {
      vitest.onClose(() => {
        process.stdout.write(
          `Skipped: the ${name} tests, which need PostgreSQL and Redis. To run them: npm run test:${name}\n`,
        );
      });
    },
  };
}

const services = onServices('services', SERVICE_TESTS);
const chaos = onServices('chaos', CHAOS_TESTS);

/** Tests that compute and wait for nothing: more of them at once would only take longer each. */
const COMPUTING_WORKERS = availableParallelism();
/** One more than two processors: a test waits for its database, its processes and its hashes too. */
const MAX_WORKERS = Math.max(3, COMPUTING_WORKERS);

/**
 * Files of one worker run in one process, one after the other: to load the server takes five seconds of a processor,
 * and there are more than a hundred of them.
 */
const SHARED_PROCESS = { isolate: false };
const PATIENT = { testTimeout: 60_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    maxWorkers: MAX_WORKERS,
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          root: 'server',
          include: UNIT_TESTS,
          ...SHARED_PROCESS,
          ...PATIENT,
          maxWorkers: COMPUTING_WORKERS,
          // Not among those with another number of workers.
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...shared,
        test: {
          name: 'outside',
          root: 'server',
          include: OUTSIDE_TESTS,
          exclude: UNIT_TESTS,
          globalSetup: [BUILD_SETUP],
          ...SHARED_PROCESS,
          ...PATIENT,
        },
      },
      {
        ...shared,
        test: {
          name: 'embedded',
          root: 'server',
          include: EMBEDDED_TESTS,
          exclude: UNIT_TESTS,
          globalSetup: [BUILD_SETUP, DATABASE_SETUP],
          ...SHARED_PROCESS,
          ...PATIENT,
        },
      },
      {
        ...shared,
        test: {
          name: 'feature',
          root: 'server',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...UNIT_TESTS, ...EMBEDDED_TESTS, ...OUTSIDE_TESTS, ...SERVICE_TESTS, ...CHAOS_TESTS],
          globalSetup: [BUILD_SETUP, DATABASE_SETUP],
          ...SHARED_PROCESS,
          ...PATIENT,
        },
      },
      { ...services, test: { ...services.test, ...SHARED_PROCESS, ...PATIENT } },
      {
        ...chaos,
        test: {
          ...chaos.test,
          // Every test has several processes of its own; two at once would time each other out.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
