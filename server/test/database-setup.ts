import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { newId } from '#kernel/ids.js';
import { parseConfig } from '#platform/config/config.js';
import { createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import { openDatabase } from '#app/open-database.js';
import { queryDatabase } from './faults/query-database.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A data directory whose embedded database has the schema and nothing else; null on a real server. */
    templateDir: string | null;
    /** How `create database` makes a copy of such a database on the server; null on the embedded one. */
    copyOfTemplate: string | null;
  }
}

/** Makes the database that every test context copies, once. */
export default async function setup(project: TestProject): Promise<() => Promise<unknown>> {
  const serverUrl = process.env['TEST_DATABASE_URL'];
  return serverUrl === undefined ? makeEmbedded(project) : makeOnServer(project, serverUrl);
}

async function makeEmbedded(project: TestProject) {
  const templateDir = await mkdtemp(join(tmpdir(), 'botbase-template-'));
  await bringUpToDate({ DATA_DIR: templateDir });
  project.provide('templateDir', templateDir);
  project.provide('copyOfTemplate', null);
  return () => rm(templateDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

async function makeOnServer(project: TestProject, serverUrl: string) {
  const name = `botbase_template_${newId().replaceAll('-', '')}`;
  await queryDatabase(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await bringUpToDate({ DATABASE_URL: url.href });
  project.provide('templateDir', null);
  project.provide('copyOfTemplate', `template ${name}${await quickest(serverUrl)}`);
  return () => queryDatabase(serverUrl, `drop database ${name} with (force)`);
}

/** Files are copied in a third of the time that pages take through the log; PostgreSQL 14 knows nothing else. */
async function quickest(serverUrl: string): Promise<string> {
  const [row] = await queryDatabase(serverUrl, 'show server_version_num');
  return Number(row?.['server_version_num']) >= 150_000 ? ' strategy file_copy' : '';
}

async function bringUpToDate(environment: Record<string, string>): Promise<void> {
  // Which a configuration with a server must have; nothing is signed or sealed here.
  const secrets = { JWT_SECRET: randomSecret(48), ENCRYPTION_KEY: randomSecret(32) };
  const config = parseConfig({ ...secrets, ...environment });
  const database = await openDatabase(config, createLogger('error'), createMetrics());
  await database.close();
}

const randomSecret = (bytes: number) => randomBytes(bytes).toString('base64');
