import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const shared = {
  resolve: { conditions: ['botbase-source'] },
  ssr: { resolve: { conditions: ['botbase-source'] } },
  // Where vitest loads the global setup: without it that would come from the last build.
  environments: { __vitest__: { resolve: { conditions: ['botbase-source'] } } },
};

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          root: 'server',
          include: ['src/{kernel,rag}/**/*.test.ts', 'src/**/*.unit.test.ts'],
        },
      },
      {
        ...shared,
        test: {
          name: 'feature',
          root: 'server',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: ['src/{kernel,rag}/**', 'src/**/*.unit.test.ts'],
          globalSetup: [fileURLToPath(new URL('server/test/global-setup.ts', import.meta.url))],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
