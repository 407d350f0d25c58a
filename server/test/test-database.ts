import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';
import { newId } from '#kernel/ids.js';

/**
 * The environment of a fresh database with the schema: a copy of the embedded template, or, with
 * `TEST_DATABASE_URL` (a server where its user may create databases), a database of its own there.
 */
export async function createTestDatabase(
  dataDir: string,
): Promise<{ environment: Record<string, string>; drop: () => Promise<void> }> {
  const serverUrl = process.env['TEST_DATABASE_URL'];
  if (serverUrl !== undefined) return createOnServer(serverUrl);
  const templateDir = inject('templateDir');
  if (templateDir === null) throw new Error('there is no template database');
  await cp(join(templateDir, 'postgres'), join(dataDir, 'postgres'), { recursive: true });
  return { environment: {}, drop: async () => {} };
}

async function createOnServer(serverUrl: string) {
  const name = `botbase_test_${newId().replaceAll('-', '')}`;
  await execute(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    environment: { DATABASE_URL: url.href },
    drop: () => execute(serverUrl, `drop database ${name} with (force)`),
  };
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
