import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '#platform/config/config.js';
import type { FileStorage } from '#platform/ports/file-storage.js';
import { createLocalFileStorage } from '#providers/file-storage/local-file-storage.js';

const TIMEOUTS = { connectTimeoutMs: 5_000, requestTimeoutMs: 30_000 };

export interface OpenStorage {
  storage: FileStorage;
  /** Ends what is under way: to be called last. */
  close: () => void;
}

/** The storage that the configuration names. The S3 client is loaded only where it is used. */
export async function openStorage(config: Pick<Config, 's3' | 'dataDir'>): Promise<OpenStorage> {
  if (config.s3 === null) {
    const directory = join(config.dataDir, 'files');
    // A folder that cannot be made is no reason not to start: `/health/ready` says so until it can.
    await mkdir(directory, { recursive: true, mode: 0o700 }).catch(() => {});
    const storage = createLocalFileStorage({ directory });
    return { storage, close: () => {} };
  }
  const { createS3FileStorage } = await import('#providers/file-storage/s3-file-storage.js');
  const storage = createS3FileStorage({ ...config.s3, ...TIMEOUTS });
  return { storage, close: () => storage.close() };
}
