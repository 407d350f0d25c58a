import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { AppError } from '#kernel/app-error.js';
import { SourceError } from '#kernel/source-error.js';
import type { FileStorage } from '#platform/ports/file-storage.js';

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
/** One part of a key. It starts with no dot, so that it is neither `..` nor the name of a partial file. */
const KEY_PART_PATTERN = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;
const MISSING_CODES = new Set(['ENOENT', 'ENOTDIR']);
const OUT_OF_SPACE_CODES = new Set(['ENOSPC', 'EDQUOT']);

/**
 * Files below one directory of this machine, readable by our own user only. A file is seen whole or not at all:
 * it is written under a temporary name beside its place and renamed when it is complete and on the disk.
 * A full disk is AppError `unavailable`; a key that is not ours to make is a bug and throws a plain error.
 */
export function createLocalFileStorage(options: { directory: string }): FileStorage {
  const pathOf = (key: string) => join(options.directory, ...splitKey(key));
  return {
    async write(key, body) {
      return writeFile(pathOf(key), body);
    },
    async read(key) {
      return readFile(pathOf(key), key);
    },
    async delete(key) {
      await rm(pathOf(key), { force: true });
    },
    async deleteFolder(prefix) {
      if (!prefix.endsWith('/')) throw new Error('the prefix of a folder ends in a slash');
      await rm(pathOf(prefix.slice(0, -1)), { recursive: true, force: true });
    },
  };
}

async function writeFile(path: string, body: Readable): Promise<{ bytes: number; sha256: string }> {
  const directory = dirname(path);
  const partialPath = join(directory, `.${basename(path)}.${randomUUID()}.partial`);
  const hash = createHash('sha256');
  let bytes = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      done(null, chunk);
    },
  });
  // A body may fail while the directory is made, before the pipeline listens: it still reports that error.
  body.on('error', () => {});
  try {
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    // Opened here and not by the stream: then the file is there when a failure removes it.
    const file = await open(partialPath, 'wx', FILE_MODE);
    await pipeline(body, meter, file.createWriteStream({ flush: true }));
    await rename(partialPath, path);
  } catch (error) {
    body.destroy();
    await rm(partialPath, { force: true });
    if (!OUT_OF_SPACE_CODES.has(systemCodeOf(error))) throw error;
    throw new AppError('unavailable', 'The file could not be stored: the disk is full.', { cause: error });
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function readFile(path: string, key: string): Promise<Readable> {
  try {
    // Opened before it is handed over, so that a missing file is told here and not in mid-stream.
    const file = await open(path, 'r');
    return file.createReadStream();
  } catch (error) {
    if (!MISSING_CODES.has(systemCodeOf(error))) throw error;
    throw new SourceError('file_missing', `the stored file ${key} is gone`, { cause: error });
  }
}

function splitKey(key: string): string[] {
  const parts = key.split('/');
  if (!parts.every((part) => KEY_PART_PATTERN.test(part))) throw new Error('not a key of the file storage');
  return parts;
}

function systemCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
