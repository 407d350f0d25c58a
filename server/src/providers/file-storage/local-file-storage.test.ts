import { mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { FileStorage } from '#platform/ports/file-storage.js';

import { createLocalFileStorage } from './local-file-storage.js';

// What every storage does is in file-storage.test.ts.

let root: string;
let storage: FileStorage;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'local-file-storage-'));
  storage = createLocalFileStorage({ directory: join(root, 'files') });
});

afterEach(() => rm(root, { recursive: true, force: true }));

describe('the local file storage', () => {
  it('is readable by our own user only, at every level', async () => {
    await storage.write('a/b', Readable.from(['secret']));
    expect(await modeOf('files')).toBe(0o700);
    expect(await modeOf('files/a')).toBe(0o700);
    expect(await modeOf('files/a/b')).toBe(0o600);
  });

  it('leaves no partial file of a body that fails', async () => {
    await storage.write('a/b', Readable.from(['old']));
    await expect(storage.write('a/b', failingBody(new Error('the client left')))).rejects.toThrow(
      'the client left',
    );
    expect(await readdir(join(root, 'files/a'))).toEqual(['b']);
  });

  it('tells a full disk in words for the client', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    await expect(storage.write('a/b', failingBody(full))).rejects.toMatchObject({
      name: 'AppError',
      code: 'unavailable',
      message: 'The file could not be stored: the disk is full.',
      cause: full,
    });
  });

  it('lists no link, and nothing that is not named by us', async () => {
    await storage.write('a/b', Readable.from(['ours']));
    await writeFile(join(root, 'files/a/.DS_Store'), 'not ours');
    await writeFile(join(root, 'files/a/not ours'), 'not ours');
    await writeFile(join(root, 'outside'), 'outside');
    await symlink(root, join(root, 'files/a/link'));
    await symlink(join(root, 'outside'), join(root, 'files/a/file'));
    const keys: string[] = [];
    for await (const { key } of storage.list('a/')) keys.push(key);
    expect(keys).toEqual(['a/b']);
  });
});

function failingBody(error: Error): Readable {
  let reads = 0;
  return new Readable({
    read() {
      reads += 1;
      if (reads > 3) this.destroy(error);
      else this.push(Buffer.alloc(70_000));
    },
  });
}

async function modeOf(path: string): Promise<number> {
  return (await stat(join(root, path))).mode & 0o777;
}
