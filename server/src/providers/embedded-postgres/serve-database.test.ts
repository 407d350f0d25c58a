import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PGlite } from '@electric-sql/pglite';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';

import { type DatabaseServer, serveDatabase } from './serve-database.js';

let directory: string;
let database: PGlite;
let server: DatabaseServer;
const clients: Client[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'serve-'));
  database = await PGlite.create();
  await database.exec('create table notes (author int, text text)');
  server = await serveDatabase(database, join(directory, '.s.PGSQL.5432'), (error) => {
    throw new Error(error);
  });
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.end();
  await database.exec('delete from notes');
});

afterAll(async () => {
  await server.close();
  await database.close();
  await rm(directory, { recursive: true });
});

async function connectClient(): Promise<Client> {
  const client = new Client({ host: directory, port: 5432, user: 'postgres', database: 'postgres' });
  client.on('error', () => {});
  await client.connect();
  clients.push(client);
  return client;
}

/** Sends raw messages after the startup and breaks the connection off when all of it is sent. */
async function sendAndVanish(messages: Buffer): Promise<void> {
  const startup = Buffer.from('\0\0\0\x17\0\x03\0\0user\0postgres\0\0', 'latin1');
  const socket = connect(join(directory, '.s.PGSQL.5432'));
  socket.write(startup);
  await new Promise((resolve) => socket.once('data', resolve));
  await new Promise((resolve) => socket.write(messages, resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy();
  await closed;
}

function typed(type: string, body: string): Buffer {
  const message = Buffer.from(`${type}\0\0\0\0${body}`, 'latin1');
  message.writeInt32BE(message.length - 1, 1);
  return message;
}

const insertWithoutSync = Buffer.concat([
  typed('P', `\0insert into notes values (1, 'lost')\0\0\0`),
  typed('B', '\0\0\0\0\0\0\0\0'),
  typed('E', '\0\0\0\0\0'),
]);

it('rolls back what a client left open, for the next one', async () => {
  await sendAndVanish(typed('Q', `begin; insert into notes values (1, 'lost')\0`));
  await sendAndVanish(typed('Q', `begin; select nonsense\0`));
  await sendAndVanish(insertWithoutSync);
  await sendAndVanish(Buffer.concat([insertWithoutSync, typed('H', '')]));

  const next = await connectClient();
  const { rows } = await next.query(
    'select count(*)::int as notes, pg_current_xact_id_if_assigned() as own from notes',
  );

  expect(rows).toEqual([{ notes: 0, own: null }]);
});

it('shows nothing of the settings and names of one client to the next', async () => {
  const first = await connectClient();
  await first.query(`set time zone 'Asia/Tokyo'`);
  await first.query('create temp table scratch (a int)');
  await first.query({ name: 'one', text: 'select 1' });
  clients.pop();
  await first.end();

  const next = await connectClient();
  const { rows } = await next.query(
    `select current_setting('timezone') as zone, to_regclass('scratch') as scratch`,
  );

  expect(rows).toEqual([{ zone: 'UTC', scratch: null }]);
  expect((await next.query({ name: 'one', text: 'select 2 as two' })).rows).toEqual([{ two: 2 }]);
});

it('lets no statement of another connection into a transaction that is rolled back', async () => {
  const sql = 'insert into notes values ($1, $2) returning author, text';
  let foreignRows = 0;
  const write = async (client: Client, author: number, turn: number) => {
    const { rows } = await client.query(sql, [author, `turn ${turn}`]);
    if (rows[0]?.author !== author || rows[0]?.text !== `turn ${turn}`) foreignRows += 1;
  };
  const [first, ...others] = await Promise.all(Array.from({ length: 5 }, connectClient));
  const writeInTransactions = async (client: Client) => {
    for (let turn = 0; turn < 100; turn += 1) {
      await client.query('begin');
      await write(client, 0, turn);
      await client.query(turn % 2 === 0 ? 'commit' : 'rollback');
    }
  };
  const writeAlone = async (client: Client, index: number) => {
    for (let turn = 0; turn < 200; turn += 1) await write(client, index + 1, turn);
  };

  await Promise.all([writeInTransactions(first!), ...others.map(writeAlone)]);

  expect(foreignRows).toBe(0);
  const { rows } = await first!.query(
    'select author, count(*)::int as notes from notes group by author order by 1',
  );
  expect(rows.map((row) => [row.author, row.notes])).toEqual([
    [0, 50],
    [1, 200],
    [2, 200],
    [3, 200],
    [4, 200],
  ]);
});

it('answers beside an error, a large parameter and a large result', async () => {
  const client = await connectClient();
  const text = 'é'.repeat(3_000_000);

  await expect(client.query('select $1::int', ['no number'])).rejects.toMatchObject({ code: '22P02' });
  const { rows } = await client.query('select $1::text as text, repeat($1, 3) as more', [text]);

  expect(rows[0]?.text === text).toBe(true);
  expect(rows[0]?.more === text.repeat(3)).toBe(true);
});

it('answers a ping for a transaction that moves on and not for one that idles', async () => {
  const client = await connectClient();
  await client.query('begin');
  await server.ping();
  let isAnswered = false;
  const ping = server.ping().then(() => {
    isAnswered = true;
  });

  await new Promise((resolve) => setImmediate(resolve));
  expect(isAnswered).toBe(false);
  await client.query('commit');
  await ping;
  expect(isAnswered).toBe(true);
});
