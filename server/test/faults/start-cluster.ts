import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '#kernel/ids.js';
import { type BotbaseProcess, spawnBotbase } from '../start-botbase.js';
import { findPort } from './find-port.js';
import { type DatabaseRow, queryDatabase } from './query-database.js';
import { pickRedisDatabase } from './redis-commands.js';

export interface ClusterOptions {
  /** 2 of each unless said otherwise. */
  apis?: number;
  workers?: number;
  /** A server where a database can be made; the one of the test run unless said otherwise. */
  databaseServerUrl?: string;
  /** The way the processes take to their database, e.g. `proxy.through`; the tests' own queries go straight. */
  throughDatabaseProxy?: (url: string) => string;
  /** Null: without Redis. A database of its own on the server of the test run unless said otherwise. */
  redisUrl?: string | null;
  /** On top of what all of the processes need. */
  settings?: Record<string, string>;
}

type ProcessEnd = Awaited<BotbaseProcess['ended']>;

/** One process, which keeps its address over its restarts. */
interface ClusterNode {
  role: 'api' | 'worker';
  url: string;
  processId: () => number;
  /** E.g. SIGSTOP and SIGCONT. */
  signal: (signal: NodeJS.Signals) => void;
  /** Sends a signal that ends the process, and waits for that. */
  end: (signal: NodeJS.Signals) => Promise<ProcessEnd>;
  /** Waits until it is ready. @param settings changed ones, from now on */
  start: (settings?: Record<string, string>) => Promise<void>;
  restart: (signal?: NodeJS.Signals) => Promise<void>;
  /** What it wrote in all its lives. */
  logLines: () => string[];
  /** The text of its /metrics. */
  readMetrics: () => Promise<string>;
}

export interface Cluster {
  /** @throws Error where there are not so many, as `worker` does */
  api: (index: number) => ClusterNode;
  worker: (index: number) => ClusterNode;
  nodes: ClusterNode[];
  databaseUrl: string;
  dataDir: string;
  /** None of these may be in a log or an answer. */
  secrets: string[];
  query: (statement: string, values?: unknown[]) => Promise<DatabaseRow[]>;
  logLines: () => string[];
  /** Ends all processes; their database and files stay. */
  stopAll: (signal?: NodeJS.Signals) => Promise<ProcessEnd[]>;
  /** Kills all processes and removes their database and files. */
  close: () => Promise<void>;
}

/** Botbase in several processes that share a fresh database, Redis, a data directory and secrets. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const serverUrl = options.databaseServerUrl ?? requireVariable('TEST_DATABASE_URL');
  const redisUrl =
    options.redisUrl === undefined
      ? await pickRedisDatabase(requireVariable('TEST_REDIS_URL'))
      : options.redisUrl;
  const databaseName = `botbase_cluster_${newId().replaceAll('-', '')}`;
  await queryDatabase(serverUrl, `create database ${databaseName}`);
  const databaseUrl = withDatabase(serverUrl, databaseName);
  const dataDir = await mkdtemp(join(tmpdir(), 'botbase-cluster-'));
  const jwtSecret = randomBytes(48).toString('base64');
  const encryptionKey = randomBytes(32).toString('base64');
  const settings = {
    NODE_ENV: 'test',
    DATA_DIR: dataDir,
    DATABASE_URL: options.throughDatabaseProxy?.(databaseUrl) ?? databaseUrl,
    ...(redisUrl === null ? {} : { REDIS_URL: redisUrl }),
    JWT_SECRET: jwtSecret,
    ENCRYPTION_KEY: encryptionKey,
    BCRYPT_ROUNDS: '4',
    RATE_LIMIT_MAX_REQUESTS: '100000',
    RATE_LIMIT_MAX_REQUESTS_AUTH: '100000',
    ...options.settings,
  };
  const makeNodes = (role: ClusterNode['role'], count: number) =>
    Promise.all(Array.from({ length: count }, () => createNode(role, settings)));
  const [apis, workers] = await Promise.all([
    makeNodes('api', options.apis ?? 2),
    makeNodes('worker', options.workers ?? 2),
  ]);
  const nodes = [...apis, ...workers];
  const stopAll = (signal: NodeJS.Signals = 'SIGTERM') => Promise.all(nodes.map(({ end }) => end(signal)));
  const close = async () => {
    await stopAll('SIGKILL');
    await queryDatabase(serverUrl, `drop database if exists ${databaseName} with (force)`);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  try {
    await Promise.all(nodes.map(({ start }) => start()));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    api: (index) => pick(apis, 'api', index),
    worker: (index) => pick(workers, 'worker', index),
    nodes,
    databaseUrl,
    dataDir,
    secrets: [jwtSecret, encryptionKey, ...passwordsOf(databaseUrl, redisUrl)],
    query: (statement, values) => queryDatabase(databaseUrl, statement, values),
    logLines: () => nodes.flatMap(({ logLines }) => logLines()),
    stopAll,
    close,
  };
}

async function createNode(
  role: ClusterNode['role'],
  clusterSettings: Record<string, string>,
): Promise<ClusterNode> {
  const port = await findPort();
  const url = `http://127.0.0.1:${port}`;
  let settings: Record<string, string> = { ROLE: role, ...clusterSettings, PORT: String(port) };
  const lives: BotbaseProcess[] = [];
  const current = () => {
    const life = lives.at(-1);
    if (life === undefined) throw new Error(`this ${role} was never started`);
    return life;
  };
  const start: ClusterNode['start'] = async (changed = {}) => {
    settings = { ...settings, ...changed };
    const life = spawnBotbase(settings);
    lives.push(life);
    await life.url;
  };
  const end: ClusterNode['end'] = async (signal) => {
    if (lives.length === 0) return { exitCode: null, signal: null };
    current().kill(signal);
    // One that is stopped by SIGSTOP would never see the other signals.
    current().kill('SIGCONT');
    return current().ended;
  };
  return {
    role,
    url,
    processId: () => current().processId,
    signal: (signal) => current().kill(signal),
    end,
    start,
    restart: async (signal = 'SIGTERM') => {
      await end(signal);
      await start();
    },
    logLines: () => lives.flatMap(({ stdoutLines, stderrLines }) => [...stdoutLines, ...stderrLines]),
    readMetrics: async () => (await fetch(`${url}/metrics`)).text(),
  };
}

function pick(nodes: ClusterNode[], role: string, index: number): ClusterNode {
  const node = nodes[index];
  if (node === undefined) throw new Error(`there are ${nodes.length} processes of the role ${role}`);
  return node;
}

function withDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

function passwordsOf(...urls: (string | null)[]): string[] {
  return urls
    .map((url) => (url === null ? '' : decodeURIComponent(new URL(url).password)))
    .filter((password) => password !== '');
}

function requireVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run this through scripts/with-services.sh`);
  return value;
}
