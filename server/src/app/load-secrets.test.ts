import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '#platform/config/config.js';
import { loadSecrets } from './load-secrets.js';

const SECRET = 'kV9!tq2Zr7#mB4xW8pLs3nYd6hGf1jCu';
const KEY = Buffer.alloc(32, 7);

let directory: string;
let dataDir: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'botbase-secrets-'));
  dataDir = join(directory, 'not', 'there', 'yet');
});

afterEach(() => rm(directory, { recursive: true }));

const load = (environment: Record<string, string> = {}) =>
  loadSecrets(parseConfig({ DATA_DIR: dataDir, ...environment }));

describe('loadSecrets', () => {
  it('makes what was not given, of full length, and finds it again at the next start', async () => {
    const first = await load();
    expect(Buffer.from(first.jwtSecret, 'base64')).toHaveLength(48);
    expect(first.encryptionKey).toHaveLength(32);
    const second = await load();
    expect([second.jwtSecret, second.encryptionKey]).toEqual([first.jwtSecret, first.encryptionKey]);
  });

  it('makes other secrets for another directory', async () => {
    const first = await load();
    dataDir = join(directory, 'other');
    const second = await load();
    expect(second.jwtSecret).not.toBe(first.jwtSecret);
    expect(second.encryptionKey).not.toEqual(first.encryptionKey);
  });

  it('lets nobody but the owner read them', async () => {
    await load();
    const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    expect(await modeOf(dataDir)).toBe('700');
    expect(await modeOf(join(dataDir, 'jwt-secret'))).toBe('600');
    expect(await modeOf(join(dataDir, 'encryption-key'))).toBe('600');
  });

  it('takes what was given, and then writes nothing', async () => {
    const config = await load({ JWT_SECRET: SECRET, ENCRYPTION_KEY: KEY.toString('base64') });
    expect(config.jwtSecret).toBe(SECRET);
    expect(config.encryptionKey).toEqual(KEY);
    expect(await readdir(directory)).toEqual([]);
  });

  it('makes one secret for processes that start together', async () => {
    const loaded = await Promise.all(Array.from({ length: 8 }, () => load()));
    expect(new Set(loaded.map(({ jwtSecret }) => jwtSecret))).toEqual(
      new Set([await readFile(join(dataDir, 'jwt-secret'), 'utf8')]),
    );
  });
});
