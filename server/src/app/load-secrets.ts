import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '#platform/config/config.js';
import type { RuntimeConfig } from '#platform/config/runtime-config.js';

const SECRET_BYTES = 48;
const KEY_BYTES = 32;

/** Fills in the secrets that were not given: made once, kept in `DATA_DIR`, readable by their owner alone. */
export async function loadSecrets(config: Config): Promise<RuntimeConfig> {
  const jwtSecret = config.jwtSecret ?? (await readOrMake(config.dataDir, 'jwt-secret', SECRET_BYTES));
  const encryptionKey =
    config.encryptionKey ??
    Buffer.from(await readOrMake(config.dataDir, 'encryption-key', KEY_BYTES), 'base64');
  return { ...config, jwtSecret, encryptionKey };
}

async function readOrMake(dataDir: string, name: string, bytes: number): Promise<string> {
  const path = join(dataDir, name);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  try {
    // `wx`: of two processes that start together, one makes the secret and the other reads it.
    await writeFile(path, randomBytes(bytes).toString('base64'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!isThere) throw error;
  }
  return readFile(path, 'utf8');
}
