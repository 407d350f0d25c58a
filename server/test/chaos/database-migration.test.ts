import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '#kernel/ids.js';
import { eventually } from '../eventually.js';
import { type PostgresServer, startPostgres } from '../faults/start-postgres.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { note } from './recovery-times.js';

const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url));
const CLUSTER_PREFIX = 'botbase_cluster_';
const CHUNKS = 200_000;
const PER_SECOND = 100;
const SECOND_MS = 1_000;
/** Of a statement: the migration's own `lock_timeout` is 2 s, and two cores have six processes to start. */
const WAIT_MS = 5_000;

let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
  await prepareTemplate();
});
afterAll(() => postgres.close());

async function withClient<T>(database: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const url = new URL(postgres.url);
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

const ids = { user: newId(), project: newId(), conversation: newId(), source: newId(), document: newId() };

/** New databases of this server begin as the first release left them, with much in them. */
async function prepareTemplate(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'botbase-migrations-'));
  await cp(FOLDER, folder, { recursive: true });
  const journalPath = join(folder, 'meta/_journal.json');
  const journal = JSON.parse(await readFile(journalPath, 'utf8')) as { entries: unknown[] };
  await writeFile(journalPath, JSON.stringify({ ...journal, entries: journal.entries.slice(0, 1) }));
  await withClient('template1', async (client) => {
    await client.query('create extension if not exists vector');
    await migrate(drizzle(client), { migrationsFolder: folder });
    await client.query(`insert into users (id, email, password_hash, name) values ($1, 'a@b.c', 'x', 'A')`, [
      ids.user,
    ]);
    await client.query(
      `insert into projects (id, owner_id, name, fallback_message) values ($1, $2, 'P', 'Sorry')`,
      [ids.project, ids.user],
    );
    await client.query('insert into conversations (id, project_id) values ($1, $2)', [
      ids.conversation,
      ids.project,
    ]);
    await client.query(
      `insert into sources (id, project_id, type, name, status, origin, progress, document_count, chunk_count)
       values ($1, $2, 'text', 'Old', 'ready', '{}', '{}', 1, $3)`,
      [ids.source, ids.project, CHUNKS],
    );
    await client.query(
      `insert into documents (id, project_id, source_id, key, title, content_hash, live_version, chunk_count)
       values ($1, $2, $3, 'old', 'Old', 'x', 1, $4)`,
      [ids.document, ids.project, ids.source, CHUNKS],
    );
    await client.query(
      `insert into document_chunks (id, project_id, document_id, version, chunk_index, content, start_offset, end_offset,
         token_count, content_hash)
       select gen_random_uuid(), $1, $2, 1, number, 'Old words of chunk ' || number, 0, 5, 5, 'x'
       from generate_series(0, $3::int - 1) as number`,
      [ids.project, ids.document, CHUNKS],
    );
  });
  await rm(folder, { recursive: true });
}

interface OldTraffic {
  count: number;
  slowest: number;
  errors: string[];
  stop: () => Promise<void>;
}

/** What processes of the first release write, again and again. */
async function startOldTraffic(database: string): Promise<OldTraffic> {
  const url = new URL(postgres.url);
  url.pathname = `/${database}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 10 });
  const traffic: OldTraffic = { count: 0, slowest: 0, errors: [], stop: async () => {} };
  const state = { isOver: false };
  const running = new Set<Promise<void>>();
  const { project, conversation } = ids;
  const statements: (() => Promise<unknown>)[] = [
    () =>
      pool.query(
        `insert into messages (id, project_id, conversation_id, role, content, status)
         values ($1, $3, $4, 'user', 'hello', 'complete'), ($2, $3, $4, 'assistant', 'hello', 'complete')`,
        [newId(), newId(), project, conversation],
      ),
    () =>
      pool.query(
        `insert into jobs (id, project_id, type, payload, priority, max_attempts, run_at, status)
         values ($1, $2, 'ingest-source', '{}', 10, 4, now(), 'succeeded')`,
        [newId(), project],
      ),
    () => pool.query(`update projects set name = 'Q' where id = $1`, [project]),
    () => pool.query('select * from document_chunks where project_id = $1 limit 20', [project]),
  ];
  const write = async (statement: () => Promise<unknown>) => {
    const startedAt = performance.now();
    await statement().then(
      () => (traffic.count += 1),
      (error: unknown) => traffic.errors.push(String(error)),
    );
    traffic.slowest = Math.max(traffic.slowest, performance.now() - startedAt);
  };
  const startedAt = performance.now();
  const loop = (async () => {
    for (let count = 0; !state.isOver; count += 1) {
      await delay(Math.max(0, startedAt + (count * SECOND_MS) / PER_SECOND - performance.now()));
      const statement = statements[count % statements.length];
      if (statement === undefined) continue;
      const written = write(statement).finally(() => running.delete(written));
      running.add(written);
    }
  })();
  traffic.stop = async () => {
    state.isOver = true;
    await loop;
    await Promise.all(running);
    await pool.end();
  };
  return traffic;
}

it('four processes start on the schema of the first release while that writes on', async () => {
  const starting = startChaos({ databaseServerUrl: postgres.url });
  const database = await eventually('the database of the cluster', () =>
    withClient('postgres', async (client) => {
      const { rows } = await client.query<{ datname: string }>(
        'select datname from pg_database where datname like $1',
        [`${CLUSTER_PREFIX}%`],
      );
      return rows[0]?.datname ?? null;
    }),
  );
  const traffic = await startOldTraffic(database);
  const chaos: Chaos = await starting;
  try {
    const { cluster, accounts, urls } = chaos;
    // New and old beside each other.
    for (let round = 0; round < 20; round += 1) {
      const side = round % 2 === 0 ? 0 : 1;
      expect((await accounts[side].ask(urls[side])).status).toBe(200);
    }
    await traffic.stop();
    note(
      `migration under traffic, ${CHUNKS} chunks: ${traffic.count} statements of the first release, the slowest ${Math.round(traffic.slowest)} ms`,
    );
    expect(traffic.errors).toEqual([]);
    expect(traffic.slowest).toBeLessThan(WAIT_MS);
    const journal = JSON.parse(await readFile(join(FOLDER, 'meta/_journal.json'), 'utf8')) as {
      entries: unknown[];
    };
    expect(await countRows(cluster, 'drizzle.__drizzle_migrations')).toBe(journal.entries.length);
    expect(await countRows(cluster, 'document_chunks where document_id = $1', [ids.document])).toBe(CHUNKS);
    // Its content is made up: the old document has neither words nor vectors in the index.
    await cluster.query('delete from sources where id = $1', [ids.source]);
    await cluster.query('delete from conversations where id = $1', [ids.conversation]);
    expect(await chaos.findBroken()).toEqual([]);
  } finally {
    await traffic.stop().catch(() => {});
    await chaos.close();
  }
});
