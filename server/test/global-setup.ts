import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { parseConfig } from '#platform/config/config.js';
import { createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import { openDatabase } from '#app/open-database.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A data directory whose embedded database has the schema and nothing else; null on a real server. */
    templateDir: string | null;
  }
}

/** Makes the database that every test context copies, once. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (process.env['TEST_DATABASE_URL'] !== undefined) {
    project.provide('templateDir', null);
    return async () => {};
  }
  const templateDir = await mkdtemp(join(tmpdir(), 'botbase-template-'));
  const config = parseConfig({ DATA_DIR: templateDir });
  const database = await openDatabase(config, createLogger('error'), createMetrics());
  await database.close();
  project.provide('templateDir', templateDir);
  return () => rm(templateDir, { recursive: true, force: true });
}
