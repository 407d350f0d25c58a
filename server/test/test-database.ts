import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { newId } from '#kernel/ids.js';
import { queryDatabase } from './faults/query-database.js';

export interface TestDatabase {
  /** What a configuration needs to find it. */
  environment: Record<string, string>;
  drop: () => Promise<void>;
}

/**
 * A fresh database with the schema: a copy of the embedded template in `dataDir`, or, with `TEST_DATABASE_URL` (a
 * server where its user may create databases), a database of its own there.
 */
export async function createTestDatabase(dataDir: string): Promise<TestDatabase> {
  const onServer = await createServerDatabase();
  if (onServer !== null) return onServer;
  await copyTemplate(dataDir);
  return { environment: {}, drop: async () => {} };
}

/** A fresh database with the schema on the server; null where there is no server. */
export async function createServerDatabase(): Promise<TestDatabase | null> {
  const serverUrl = process.env['TEST_DATABASE_URL'];
  if (serverUrl === undefined) return null;
  const copy = inject('copyOfTemplate');
  if (copy === null) throw new Error('there is no template database');
  return createOnServer(serverUrl, copy);
}

/** A database with nothing at all in it, on the server. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return createOnServer(process.env['TEST_DATABASE_URL'] ?? '', '');
}

async function createOnServer(serverUrl: string, options: string): Promise<TestDatabase> {
  const name = `botbase_test_${newId().replaceAll('-', '')}`;
  await queryDatabase(serverUrl, `create database ${name} ${options}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    environment: { DATABASE_URL: url.href },
    drop: async () => void (await queryDatabase(serverUrl, `drop database ${name} with (force)`)),
  };
}

/** Gives a data directory an embedded database with the schema; does nothing on a server. */
export async function copyTemplate(dataDir: string): Promise<void> {
  const templateDir = inject('templateDir');
  if (templateDir === null) return;
  await cp(join(templateDir, 'postgres'), join(dataDir, 'postgres'), { recursive: true });
}
