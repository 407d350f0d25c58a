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
/** Files, processes and the network, and no database: once is enough, whatever the database. */
const OUTSIDE_TESTS = [
  'src/features/ingestion/extractors/**/*.test.ts',
  'src/providers/{document-extractor,page-fetcher,page-renderer,embedders,chat-models,rerankers}/**/*.test.ts',
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

/**
 * One more than two processors: a test waits for its database, its processes and its hashes more than it computes. By
 * itself vitest takes one less than there are.
 */
const MAX_WORKERS = Math.max(3, availableParallelism());

export default defineConfig({
  test: {
    maxWorkers: MAX_WORKERS,
    projects: [
      { ...shared, test: { name: 'unit', root: 'server', include: UNIT_TESTS } },
      {
        ...shared,
        test: {
          name: 'outside',
          root: 'server',
          include: OUTSIDE_TESTS,
          exclude: UNIT_TESTS,
          globalSetup: [BUILD_SETUP],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'feature',
          root: 'server',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...UNIT_TESTS, ...OUTSIDE_TESTS, ...SERVICE_TESTS, ...CHAOS_TESTS],
          globalSetup: [BUILD_SETUP, DATABASE_SETUP],
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      { ...services, test: { ...services.test, testTimeout: 60_000, hookTimeout: 60_000 } },
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
