import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
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
  const decryptionKeys = [encryptionKey, ...config.previousEncryptionKeys];
  return { ...config, jwtSecret, encryptionKey, decryptionKeys };
}

async function readOrMake(dataDir: string, name: string, bytes: number): Promise<string> {
  const path = join(dataDir, name);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const candidate = `${path}.${randomUUID()}`;
  await writeFile(candidate, randomBytes(bytes).toString('base64'), { flag: 'wx', mode: 0o600 });
  try {
    // Of two processes that start together one links its secret, whole, and the other reads it.
    await link(candidate, path);
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!isThere) throw error;
  } finally {
    await unlink(candidate);
  }
  const secret = await readFile(path, 'utf8');
  if (secret === '')
    throw new Error(`The file ${path} is empty. Restore it from a backup, or delete it to start anew.`);
  return secret;
}
