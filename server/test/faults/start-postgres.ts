import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../eventually.js';
import { findPort } from './find-port.js';
import { type DatabaseRow, queryDatabase } from './query-database.js';
import { type ServerProcess, endServerProcess, startServerProcess } from './server-process.js';

const execute = promisify(execFile);

const INSTALLATIONS = '/usr/lib/postgresql';
/** The user that servers run as where we are root, which PostgreSQL refuses. */
const POSTGRES_USER = 'postgres';

/** After SIGKILL, until the processes that serve connections have seen that their parent is gone. */
const STILL_IN_USE = 'pre-existing shared memory block';

/** `fast` ends every transaction and writes all down, `immediate` is a crash that the next start recovers from. */
type ShutdownMode = 'fast' | 'immediate';

const SHUTDOWN_SIGNAL = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

export interface PostgresServer {
  /** The database `postgres`, as a superuser. */
  url: string;
  port: number;
  query: (statement: string, values?: unknown[]) => Promise<DatabaseRow[]>;
  /** To the parent of all its processes; after SIGKILL, `start` brings it back. */
  kill: (signal: NodeJS.Signals) => Promise<void>;
  stop: (mode?: ShutdownMode) => Promise<void>;
  /** On the same port and data; waits until it takes queries. */
  start: () => Promise<void>;
  restart: (mode?: ShutdownMode) => Promise<void>;
  /** Stops it and removes its data. */
  close: () => Promise<void>;
}

/**
 * A PostgreSQL server of the test's own, from Debian's packages.
 * @param options.settings of postgresql.conf, e.g. `{ max_connections: '20' }`
 */
export async function startPostgres(
  options: { settings?: Record<string, string> } = {},
): Promise<PostgresServer> {
  const programs = await findPrograms();
  const user = await findServerUser();
  const directory = await mkdtemp(join(tmpdir(), 'botbase-postgres-'));
  const port = await findPort();
  const password = randomBytes(24).toString('hex');
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const dataDirectory = join(directory, 'data');
  const settings = { max_connections: '200', ...options.settings };
  let server: ServerProcess | null = null;

  const spawnServer = () =>
    startServerProcess(join(programs, 'postgres'), ['-D', dataDirectory], { ...user, cwd: directory });
  const start = async () => {
    let started = spawnServer();
    server = started;
    await eventually('PostgreSQL to take queries', async () => {
      if (started.hasEnded()) {
        if (!started.output().includes(STILL_IN_USE)) throw new Error(`postgres ended: ${started.output()}`);
        started = spawnServer();
        server = started;
      }
      return queryDatabase(url, 'select 1').catch(() => null);
    });
  };
  const stop = async (mode: ShutdownMode = 'fast') => {
    if (server !== null) await endServerProcess(server, SHUTDOWN_SIGNAL[mode]);
  };
  const close = async () => {
    await stop('immediate');
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await createCluster({ programs, directory, dataDirectory, password, user });
    await appendFile(join(dataDirectory, 'postgresql.conf'), configuration(port, settings));
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url,
    port,
    query: (statement, values) => queryDatabase(url, statement, values),
    kill: async (signal) => {
      server?.kill(signal);
      if (signal === 'SIGKILL') await server?.ended;
    },
    stop,
    start,
    restart: async (mode) => {
      await stop(mode);
      await start();
    },
    close,
  };
}

type ServerUser = { uid: number; gid: number } | Record<string, never>;

async function createCluster(cluster: {
  programs: string;
  directory: string;
  dataDirectory: string;
  password: string;
  user: ServerUser;
}): Promise<void> {
  const { programs, directory, dataDirectory, password, user } = cluster;
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user.uid !== undefined) {
    await chown(directory, user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
  }
  const commandLine = [
    '-D',
    dataDirectory,
    '-U',
    'postgres',
    '-A',
    'scram-sha-256',
    '--pwfile',
    passwordFile,
  ];
  await execute(
    join(programs, 'initdb'),
    [...commandLine, '-E', 'UTF8', '--locale', 'C.UTF-8', '--no-sync'],
    { ...user, cwd: directory },
  );
}

/** Commits wait for no disk: these tests end processes, not the machine. */
function configuration(port: number, settings: Record<string, string>): string {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: 'off',
    ...settings,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name} = '${value}'\n`)
    .join('');
}

/** The newest of Debian's installations, or what `pg_config` on PATH names. */
async function findPrograms(): Promise<string> {
  const majors = await readdir(INSTALLATIONS).catch(() => []);
  const installed = majors
    .toSorted((left, right) => Number(right) - Number(left))
    .map((major) => join(INSTALLATIONS, major, 'bin'))
    .find((programs) => existsSync(join(programs, 'postgres')));
  if (installed !== undefined) return installed;
  const { stdout } = await execute('pg_config', ['--bindir']).catch((cause: unknown) => {
    throw new Error('PostgreSQL is not installed: run scripts/install-services.sh', { cause });
  });
  return stdout.trim();
}

async function findServerUser(): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => execute('id', [flag, POSTGRES_USER])));
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
}
