// A database of its own for each run of an arm, on the server of DATABASE_URL or TEST_DATABASE_URL.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { parentOf } from './processes.mjs';

const require = createRequire(new URL('../../server/package.json', import.meta.url));
export const pg = require('pg');

const SERVER = process.env.DATABASE_URL ?? process.env.TEST_DATABASE_URL;

/** Makes a database with pgvector; `drop` takes it away, whoever is still connected. */
export async function createDatabase() {
  if (SERVER === undefined) {
    throw new Error('Set DATABASE_URL, or run this with scripts/with-services.sh.');
  }
  const name = `bench_${randomBytes(6).toString('hex')}`;
  await query(SERVER, `create database ${name}`);
  const url = new URL(SERVER);
  url.pathname = `/${name}`;
  await query(url.href, 'create extension if not exists vector');
  return {
    url: url.href,
    query: (text, values) => query(url.href, text, values),
    drop: () => query(SERVER, `drop database ${name} with (force)`),
  };
}

export async function query(url, text, values = []) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query(text, values);
    return rows;
  } finally {
    await client.end();
  }
}

/** The first process of the server, which must run on this machine. */
export async function findPostmaster() {
  const client = new pg.Client({ connectionString: SERVER });
  await client.connect();
  try {
    const { rows } = await client.query('select pg_backend_pid() as id');
    return parentOf(rows[0].id);
  } finally {
    await client.end();
  }
}
