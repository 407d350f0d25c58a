import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, open, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BotbaseClient, createBotbaseClient } from '../botbase-client.js';
import { queryDatabase } from '../faults/query-database.js';
import { type BotbaseProcess, spawnBotbase } from '../start-botbase.js';
import { createEmptyDatabase } from '../test-database.js';

const HANDBOOK = fileURLToPath(new URL('../../../handbook/handbook.pdf', import.meta.url));
const QUESTION = 'How long does a refund take?';
/** Two starts from source and two indexings, on a machine that is busy. */
const PATIENT_MS = 180_000;

const secrets = {
  JWT_SECRET: randomBytes(48).toString('base64'),
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  BCRYPT_ROUNDS: '4',
};

interface Place {
  environment: Record<string, string>;
  dataDir: string;
  drop: () => Promise<void>;
}

let directory: string;
const places: Place[] = [];
const processes: BotbaseProcess[] = [];

/** An empty database and an empty data directory. */
async function makePlace(): Promise<Place> {
  const dataDir = await mkdtemp(join(directory, 'data-'));
  const { environment, drop } = await createEmptyDatabase();
  const place = { environment: { ...environment, DATA_DIR: dataDir }, dataDir, drop };
  places.push(place);
  return place;
}

async function start({ environment }: Place): Promise<BotbaseProcess & { address: string }> {
  const botbase = spawnBotbase({ ...environment, ...secrets });
  processes.push(botbase);
  return { ...botbase, address: await botbase.url };
}

async function stop(botbase: BotbaseProcess): Promise<void> {
  botbase.kill('SIGTERM');
  expect(await botbase.ended).toEqual({ exitCode: 0, signal: null });
}

/** Runs a script of the project. @returns what it printed, and its exit status */
async function run(script: string, commandLine: string[], environment: Record<string, string>) {
  const path = fileURLToPath(new URL(`../../../scripts/${script}`, import.meta.url));
  const env = { PATH: process.env['PATH'], TMPDIR: directory, ...environment };
  try {
    const { stdout, stderr } = await promisify(execFile)('bash', [path, ...commandLine], { env });
    return { exitCode: 0, stdout: stdout.trim(), stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { exitCode: code, stdout: stdout.trim(), stderr };
  }
}

/** Every stored file below a data directory with its content; the health check's own is left out. */
async function readFiles({ dataDir }: Place): Promise<Record<string, string>> {
  const root = join(dataDir, 'files');
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = paths
    .filter((path) => !path.startsWith(join(root, 'health')))
    .toSorted()
    .map(async (path) => [path.slice(root.length + 1), await readFile(path, 'base64')] as const);
  return Object.fromEntries(await Promise.all(contents));
}

async function countRows({ environment }: Place, table: string): Promise<number> {
  const url = environment['DATABASE_URL'] ?? '';
  const [row] = await queryDatabase(url, `select count(*)::int as count from ${table}`);
  return Number(row?.['count']);
}

async function login(address: string): Promise<number> {
  const { status } = await fetch(`${address}/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@example.com', password: 'correct horse battery' }),
  });
  return status;
}

async function damage(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+');
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position);
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 1]), 0, 1, position);
  await file.close();
}

describe('a backup', () => {
  let origin: Place;
  let botbase: BotbaseProcess & { address: string };
  let client: BotbaseClient;
  let made: Awaited<ReturnType<typeof run>>;
  let backup: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'botbase-backup-'));
    origin = await makePlace();
    botbase = await start(origin);
    client = await createBotbaseClient(botbase.address);
    await client.whenEnded((await client.addFile(HANDBOOK)).id);
    await client.whenEnded((await client.addText('Summer break', 'Closed from 3 to 16 August.')).id);
    made = await run('backup.sh', [directory], origin.environment);
    backup = made.stdout;
  }, PATIENT_MS);

  afterAll(async () => {
    for (const { kill, ended } of processes) {
      kill('SIGKILL');
      await ended;
    }
    for (const { drop } of places) await drop();
    await rm(directory, { recursive: true, force: true });
  });

  it(
    'of a running Botbase gives another one the same accounts, answers and files',
    { timeout: PATIENT_MS },
    async () => {
      const { message: before } = await client.ask(QUESTION);
      expect(before.citations.length).toBeGreaterThan(0);
      const place = await makePlace();
      const { exitCode, stderr } = await run('restore.sh', [backup], place.environment);
      expect({ exitCode, stderr }).toEqual({
        exitCode: 0,
        stderr: 'restore: restored 1 accounts and 2 sources\n',
      });
      expect(await readFiles(place)).toEqual(await readFiles(origin));
      // The origin runs, and the copy does not.
      expect(await countRows(origin, 'processes')).toBe(1);
      expect(await countRows(place, 'processes')).toBe(0);
      expect(await countRows(place, 'schedules')).toBe(0);
      // They name a role, which the next server need not have: the start makes both.
      expect(await countRows(origin, 'pg_policy')).toBeGreaterThan(0);
      expect(await countRows(place, 'pg_policy')).toBe(0);

      const copy = await start(place);
      expect(await login(copy.address)).toBe(200);
      const { message: after } = await client.at(copy.address).ask(QUESTION);
      expect([after.content, after.citations]).toEqual([before.content, before.citations]);
      await stop(copy);
    },
  );

  it('says what it holds', async () => {
    expect(made).toEqual({ exitCode: 0, stderr: '', stdout: backup });
    const manifest = JSON.parse(await readFile(join(backup, 'manifest.json'), 'utf8')) as object;
    expect(manifest).toMatchObject({ format: 1, botbase: '0.1.0', files: 2, missingFiles: 0 });
    expect((await readdir(backup)).toSorted()).toEqual([
      'SHA256SUMS',
      'database.dump',
      'files.tar',
      'manifest.json',
    ]);
  });

  it.each(['database.dump', 'files.tar', 'manifest.json', 'SHA256SUMS'])(
    'with a damaged %s is refused, and nothing is written',
    async (name) => {
      const damaged = join(directory, `damaged-${name}`);
      await cp(backup, damaged, { recursive: true });
      await damage(join(damaged, name), 20);
      const place = await makePlace();
      const { exitCode, stderr } = await run('restore.sh', [damaged], place.environment);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/the backup is damaged|SHA256SUMS does not name/);
      expect(await readdir(place.dataDir)).toEqual([]);
    },
  );

  it('that lacks a file is refused', async () => {
    const incomplete = join(directory, 'incomplete');
    await cp(backup, incomplete, { recursive: true });
    await rm(join(incomplete, 'files.tar'));
    const { exitCode, stderr } = await run('restore.sh', [incomplete], (await makePlace()).environment);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('damaged');
  });

  it('replaces what is in a database only when told to, and wholly', { timeout: PATIENT_MS }, async () => {
    const place = await makePlace();
    const other = await start(place);
    const otherClient = await createBotbaseClient(other.address, 'Other');
    await otherClient.whenEnded((await otherClient.addText('Other', 'This is about something else.')).id);
    await stop(other);

    const refused = await run('restore.sh', [backup], place.environment);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/the database has \d+ tables\. Give an empty one, or --replace/);

    const replaced = await run('restore.sh', ['--replace', backup], place.environment);
    expect(replaced).toMatchObject({ exitCode: 0, stderr: 'restore: restored 1 accounts and 2 sources\n' });
    const copy = await start(place);
    const { message } = await client.at(copy.address).ask(QUESTION);
    expect(message.citations).toHaveLength((await client.ask(QUESTION)).message.citations.length);
    await expect(otherClient.at(copy.address).ask(QUESTION)).rejects.toThrow('401');
    await stop(copy);
  });

  it('is not restored under a Botbase that runs, unless told', { timeout: PATIENT_MS }, async () => {
    const place = await makePlace();
    const other = await start(place);
    const refused = await run('restore.sh', ['--replace', backup], place.environment);
    expect(refused).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `restore: Botbase runs on this database (all on ${hostname()}). Stop it; one that was killed counts for some seconds more\n`,
    });
    expect(await login(other.address)).toBe(401);

    const told = await run('restore.sh', ['--while-running', '--replace', backup], place.environment);
    expect(told).toMatchObject({ exitCode: 0, stderr: 'restore: restored 1 accounts and 2 sources\n' });
    other.kill('SIGKILL');
    await other.ended;
  });

  it('leaves the database as it was when the restore fails in its midst', async () => {
    const truncated = join(directory, 'truncated');
    await cp(backup, truncated, { recursive: true });
    const dump = await readFile(join(truncated, 'database.dump'));
    await writeFile(join(truncated, 'database.dump'), dump.subarray(0, dump.length - 4_000));
    // As if it had been cut before its checksum was taken.
    await promisify(execFile)('sh', ['-c', 'sha256sum database.dump files.tar manifest.json > SHA256SUMS'], {
      cwd: truncated,
    });
    const place = await makePlace();
    const failed = await run('restore.sh', [truncated], place.environment);
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain('it is as it was before');
    expect((await run('restore.sh', [backup], place.environment)).exitCode).toBe(0);
  });

  it('takes another dump when a source is deleted while it is made', { timeout: PATIENT_MS }, async () => {
    const { id } = await client.whenEnded((await client.addText('Short-lived', 'Gone in a moment.')).id);
    const bin =
      await dumpThenRun(`rm -r "$DATA_DIR"/files/projects/*/sources/${id}; psql -d "$DATABASE_URL" \\
      -qc "delete from sources where id = '${id}'"`);
    const { exitCode, stdout, stderr } = await run('backup.sh', [directory], {
      ...origin.environment,
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'backup: 1 sources were deleted while dump 1 was made\n',
    });
    const place = await makePlace();
    const restored = await run('restore.sh', [stdout], place.environment);
    expect(restored.stderr).toBe('restore: restored 1 accounts and 2 sources\n');
  });
});

/** A directory whose `pg_dump` is the real one and then, the first time, what happens while a backup is made. */
async function dumpThenRun(event: string): Promise<string> {
  const bin = join(directory, 'bin');
  await mkdir(bin);
  const script = `#!/bin/sh
PATH=\${PATH#*:}
pg_dump "$@" || exit
[ -e ${bin}/done ] && exit
touch ${bin}/done
${event}
`;
  await writeFile(join(bin, 'pg_dump'), script);
  await chmod(join(bin, 'pg_dump'), 0o755);
  return bin;
}
