import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { eventually } from '../eventually.js';
import { type FaultProxy, startFaultProxy } from '../faults/fault-proxy.js';
import { findPort } from '../faults/find-port.js';
import { startCluster } from '../faults/start-cluster.js';
import { type PostgresServer, startPostgres } from '../faults/start-postgres.js';
import { type BotbaseProcess, spawnBotbase } from '../start-botbase.js';
import { openAccount } from './chaos-account.js';
import { countRows } from './chaos-cluster.js';
import { recordRecovery } from './recovery-times.js';

const WAIT_MS = 60_000;
const JOURNAL = fileURLToPath(new URL('../../migrations/meta/_journal.json', import.meta.url));

let directory: string;
let postgres: PostgresServer;
const processes: BotbaseProcess[] = [];
const proxies: FaultProxy[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'botbase-boot-'));
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.close();
  await rm(directory, { recursive: true, force: true });
});
afterEach(async () => {
  for (const { kill, ended } of processes.splice(0)) {
    kill('SIGKILL');
    await ended;
  }
  for (const proxy of proxies.splice(0)) await proxy.close();
});

const secrets = () => ({
  JWT_SECRET: randomBytes(48).toString('base64'),
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
});

function spawn(settings: Record<string, string>): BotbaseProcess {
  const all = {
    DATA_DIR: join(directory, 'data'),
    NODE_ENV: 'test',
    BCRYPT_ROUNDS: '4',
    ROLE: 'api',
    ...settings,
  };
  const botbase = spawnBotbase(all);
  processes.push(botbase);
  return botbase;
}

/** One line, exit status 1, and nobody at the port. */
async function expectRefusal(settings: Record<string, string>, line: RegExp): Promise<void> {
  const port = await findPort();
  const { ended, stdoutLines, stderrLines } = spawn({ PORT: String(port), ...settings });
  const late = delay(WAIT_MS, 'it still waits', { ref: false });
  expect(await Promise.race([ended, late])).toEqual({ exitCode: 1, signal: null });
  expect(stderrLines).toEqual([expect.stringMatching(line)]);
  expect(stdoutLines.filter((text) => text.includes('ready'))).toEqual([]);
  await expect(fetch(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow('fetch failed');
}

function databaseUrl(changes: (url: URL) => void = () => {}): string {
  const url = new URL(postgres.url);
  changes(url);
  return url.href;
}

describe('a start that cannot succeed says why in one line and ends', () => {
  it.each([
    ['without a secret for a database on a server', {}, /^JWT_SECRET: /],
    ['with a short secret', { ...secrets(), JWT_SECRET: 'Xk3-9dQz.Lm7' }, /^JWT_SECRET: /],
    [
      'with a secret that everybody knows',
      { ...secrets(), JWT_SECRET: '!ChangeThisMercureHubJWTSecretKey!' },
      /^JWT_SECRET: /,
    ],
    ['with an encryption key that is none', { ...secrets(), ENCRYPTION_KEY: 'AAAA' }, /^ENCRYPTION_KEY: /],
    ['with a Redis address that is none', { ...secrets(), REDIS_URL: 'localhost:6379' }, /^REDIS_URL: /],
  ])('%s', async (_name, settings, line) => {
    const missing = 'JWT_SECRET' in settings ? {} : { ENCRYPTION_KEY: secrets().ENCRYPTION_KEY };
    await expectRefusal({ DATABASE_URL: databaseUrl(), ...missing, ...settings }, line);
  });

  it('as a role of its own without a server to share', async () => {
    await expectRefusal({ ...secrets() }, /DATABASE_URL/);
  });

  it('when nothing answers at the database’s address', async () => {
    const port = await findPort();
    const url = databaseUrl((address) => (address.port = String(port)));
    await expectRefusal({ ...secrets(), DATABASE_URL: url }, /^DATABASE_URL: nothing answers there/);
  });

  it('when the password of the database is wrong', async () => {
    const url = databaseUrl((address) => (address.password = 'wrong'));
    await expectRefusal({ ...secrets(), DATABASE_URL: url }, /^DATABASE_URL: the user name or the password/);
  });

  it('when there is no database of that name', async () => {
    const url = databaseUrl((address) => (address.pathname = '/nowhere'));
    await expectRefusal(
      { ...secrets(), DATABASE_URL: url },
      /^DATABASE_URL: there is no database of that name/,
    );
  });

  it('when the database swallows what it is sent', async () => {
    const proxy = await startFaultProxy(postgres.url);
    proxies.push(proxy);
    await proxy.set([{ type: 'timeout', timeoutMs: null }]);
    await expectRefusal({ ...secrets(), DATABASE_URL: proxy.through(postgres.url) }, /^DATABASE_URL: /);
  });

  it('when the database takes no writes', async () => {
    await postgres.query('create database read_only');
    await postgres.query('alter database read_only set default_transaction_read_only = on');
    const url = databaseUrl((address) => (address.pathname = '/read_only'));
    await expectRefusal({ ...secrets(), DATABASE_URL: url }, /read-only/);
  });
});

it('is not ready as long as its data directory cannot be made', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  await postgres.query('create database without_files');
  const url = databaseUrl((address) => (address.pathname = '/without_files'));
  const botbase = spawn({ ...secrets(), DATABASE_URL: url, DATA_DIR: join(file, 'data') });
  const health = await fetch(`${await botbase.url}/health/ready`);
  expect(health.status).toBe(503);
});

it('starts without Redis and takes requests', async () => {
  await postgres.query('create database without_redis');
  const url = databaseUrl((address) => (address.pathname = '/without_redis'));
  const redisPort = await findPort();
  const botbase = spawn({ ...secrets(), DATABASE_URL: url, REDIS_URL: `redis://127.0.0.1:${redisPort}` });
  const address = await botbase.url;
  const registered = await fetch(`${address}/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' }),
  });
  expect(registered.status).toBe(201);
  await eventually('it to be ready', async () => ((await fetch(`${address}/health/ready`)).ok ? true : null));
});

it('five processes that start together on an empty database bring it up to date once, and all serve', async () => {
  const times = recordRecovery(
    'five processes started on an empty database -> an answer and an indexed source',
  );
  const startedAt = performance.now();
  const cluster = await startCluster({ apis: 3, workers: 2, settings: { OPENAI_EMBEDDING_MODEL: 'none' } });
  try {
    const accounts = [];
    for (const index of [0, 1, 2]) accounts.push(await openAccount(cluster.api(index).url));
    times.add(startedAt);
    times.print();
    const journal = z
      .object({ entries: z.array(z.unknown()) })
      .parse(JSON.parse(await readFile(JOURNAL, 'utf8')));
    expect(await countRows(cluster, 'drizzle.__drizzle_migrations')).toBe(journal.entries.length);
    for (const [index, account] of accounts.entries()) {
      expect((await account.ask(cluster.api((index + 1) % 3).url)).status).toBe(200);
    }
    expect(await cluster.stopAll('SIGTERM')).toEqual(
      cluster.nodes.map(() => ({ exitCode: 0, signal: null })),
    );
  } finally {
    await cluster.close();
  }
});
