import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { AppError } from '#kernel/app-error.js';
import { SourceError } from '#kernel/source-error.js';
import type { FileStorage } from '#platform/ports/file-storage.js';

import { createBodyMeter } from './body-meter.js';
import { isKeyPart, splitFolder, splitKey } from './file-key.js';

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const PARTIAL_NAME_PATTERN = /^\..+\.partial$/;
const MISSING_CODES = new Set(['ENOENT', 'ENOTDIR']);
const OUT_OF_SPACE_CODES = new Set(['ENOSPC', 'EDQUOT']);

/**
 * Files below one directory of this machine, readable by our own user only. A file is seen whole or not at all:
 * it is written under a temporary name beside its place and renamed when it is complete and on the disk.
 * A full disk is AppError `unavailable`; a key that is not ours to make is a bug and throws a plain error.
 */
export function createLocalFileStorage(options: { directory: string }): FileStorage {
  const pathOf = (parts: string[]) => join(options.directory, ...parts);
  return {
    async write(key, body) {
      return writeFile(pathOf(splitKey(key)), body);
    },
    async read(key) {
      return readFile(pathOf(splitKey(key)));
    },
    async delete(key) {
      await rm(pathOf(splitKey(key)), { force: true });
    },
    async deleteFolder(prefix) {
      await rm(pathOf(splitFolder(prefix)), { recursive: true, force: true });
    },
    async *list(prefix) {
      const parts = splitFolder(prefix);
      for await (const { folder, name } of walk(options.directory, parts)) {
        if (!isKeyPart(name)) continue;
        const entry = await statOrNull(pathOf([...folder, name]));
        if (entry === null) continue;
        yield { key: [...folder, name].join('/'), modifiedAt: entry.mtime, bytes: entry.size };
      }
    },
    async deleteUnfinished(prefix, startedBefore) {
      let count = 0;
      for await (const { folder, name } of walk(options.directory, splitFolder(prefix))) {
        if (!PARTIAL_NAME_PATTERN.test(name)) continue;
        const path = pathOf([...folder, name]);
        // A write that still goes on touches its file with every chunk.
        const entry = await statOrNull(path);
        if (entry === null || entry.mtime >= startedBefore) continue;
        await rm(path, { force: true });
        count += 1;
      }
      return count;
    },
  };
}

async function writeFile(path: string, body: Readable): Promise<{ bytes: number; sha256: string }> {
  const directory = dirname(path);
  const partialPath = join(directory, `.${basename(path)}.${randomUUID()}.partial`);
  const meter = createBodyMeter();
  // A body may fail while the directory is made, before the pipeline listens: it still reports that error.
  body.on('error', () => {});
  try {
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    // Opened here and not by the stream: then the file is there when a failure removes it.
    const file = await open(partialPath, 'wx', FILE_MODE);
    await pipeline(body, meter.stream, file.createWriteStream({ flush: true }));
    await rename(partialPath, path);
  } catch (error) {
    body.destroy();
    await rm(partialPath, { force: true });
    if (!OUT_OF_SPACE_CODES.has(systemCodeOf(error))) throw error;
    throw new AppError('unavailable', 'The file could not be stored: the disk is full.', { cause: error });
  }
  return meter.result();
}

async function readFile(path: string): Promise<Readable> {
  try {
    // Opened before it is handed over, so that a missing file is told here and not in mid-stream.
    const file = await open(path, 'r');
    return file.createReadStream();
  } catch (error) {
    if (!MISSING_CODES.has(systemCodeOf(error))) throw error;
    throw new SourceError('file_missing', 'the stored file is gone', { cause: error });
  }
}

/** Every plain file below a folder, depth first. Links are not followed; what vanishes on the way is passed over. */
async function* walk(root: string, folder: string[]): AsyncGenerator<{ folder: string[]; name: string }> {
  for (const entry of await readFolder(join(root, ...folder))) {
    if (entry.isFile()) yield { folder, name: entry.name };
    else if (entry.isDirectory() && isKeyPart(entry.name)) yield* walk(root, [...folder, entry.name]);
  }
}

async function readFolder(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (MISSING_CODES.has(systemCodeOf(error))) return [];
    throw error;
  }
}

async function statOrNull(path: string): Promise<{ mtime: Date; size: number } | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (MISSING_CODES.has(systemCodeOf(error))) return null;
    throw error;
  }
}

function systemCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
