// Starts the built server for a benchmark and speaks to it.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const OWN_MAIN = fileURLToPath(new URL('../server/dist/main.js', import.meta.url));
export const SECRETS = {
  JWT_SECRET: randomBytes(48).toString('base64'),
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
};

/** Of the processes that were started, by their addresses. */
const databases = new Map();

/** One process; `url` when it is ready. Its log is not kept. `nodeArguments` are for Node, such as `--cpu-prof`. */
export async function startBotbase({ MAIN = OWN_MAIN, ...settings }, nodeArguments = []) {
  if (!existsSync(MAIN)) throw new Error('There is no build. Run `npm run build` first.');
  const dataDir = settings.DATA_DIR ?? (await mkdtemp(join(tmpdir(), 'botbase-bench-')));
  const child = spawn(process.execPath, [...nodeArguments, MAIN], {
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      BCRYPT_ROUNDS: '4',
      RATE_LIMIT_MAX_REQUESTS: '10000000',
      RATE_LIMIT_MAX_REQUESTS_AUTH: '10000000',
      LOG_LEVEL: 'info',
      ...SECRETS,
      DATA_DIR: dataDir,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const address = /"url":"([^"]+)"/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
  });
  const { DATABASE_URL } = settings;
  databases.set(
    url,
    DATABASE_URL === undefined
      ? { host: join(dataDir, 'run'), user: 'postgres', database: 'postgres' }
      : { connectionString: DATABASE_URL },
  );
  return {
    url,
    dataDir,
    processId: child.pid,
    /** An orderly end lets others open the same database at once, and writes profiles. */
    stop: async ({ isOrderly = nodeArguments.length > 0 } = {}) => {
      child.removeAllListeners('exit');
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill(isOrderly ? 'SIGTERM' : 'SIGKILL');
      await ended;
      if (settings.DATA_DIR === undefined)
        await rm(dataDir, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** A signed-in client with a project of its own, on the plan without limits. */
export async function signUp(url) {
  const account = await send(url, 'POST', '/v1/auth/register', null, {
    email: `bench-${randomBytes(6).toString('hex')}@example.com`,
    password: 'correct horse battery',
    name: 'Bench',
  });
  const client = new pg.Client(databases.get(url));
  await client.connect();
  await client.query("update users set plan = 'enterprise' where id = $1", [account.user.id]);
  await client.end();
  return createProject(url, account.accessToken);
}

/** A client of a new project of an account. */
export async function createProject(url, token) {
  const project = await send(url, 'POST', '/v1/projects', token, { name: 'Bench' });
  return clientOf(url, { token, projectId: project.id });
}

/** A client of a project that there is, on whichever process. */
export function clientOf(url, { token, projectId }) {
  return {
    token,
    projectId,
    send: (method, path, body) => send(url, method, `/v1/projects/${projectId}${path}`, token, body),
  };
}

async function send(url, method, path, token, body) {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

/** Resident memory in bytes and CPU seconds of a server, by its own metrics. */
export async function readUsage(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  return {
    residentBytes: value('process_resident_memory_bytes'),
    cpuSeconds: value('process_cpu_seconds_total'),
  };
}

export function quantile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

/** `median (least to most)` of some figures. */
export function describe(values, digits = 1) {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, median, most] = [sorted[0], quantile(sorted, 0.5), sorted.at(-1)];
  return `${median.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}
