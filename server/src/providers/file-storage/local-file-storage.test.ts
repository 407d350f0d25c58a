import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { sha256Hex } from '#kernel/hash.js';
import type { FileStorage } from '#platform/ports/file-storage.js';

import { createLocalFileStorage } from './local-file-storage.js';

const KEY = 'projects/p1/sources/s1/original.pdf';

let root: string;
let storage: FileStorage;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'local-file-storage-'));
  storage = createLocalFileStorage({ directory: join(root, 'files') });
});

afterEach(() => rm(root, { recursive: true, force: true }));

describe('write', () => {
  it('stores a body as it comes, and tells its size and hash', async () => {
    const chunks = Array.from({ length: 40 }, (_value, place) => Buffer.alloc(100_000, place));
    const written = await storage.write(KEY, Readable.from(chunks));
    const content = Buffer.concat(chunks);
    expect(written).toEqual({ bytes: 4_000_000, sha256: sha256Hex(content) });
    expect(sha256Hex(await buffer(await storage.read(KEY)))).toBe(written.sha256);
  });

  it('stores an empty body', async () => {
    expect(await storage.write(KEY, Readable.from([]))).toEqual({ bytes: 0, sha256: sha256Hex('') });
    expect(await buffer(await storage.read(KEY))).toHaveLength(0);
  });

  it('replaces a file, and who reads the old one reads it to its end', async () => {
    await storage.write(KEY, Readable.from([Buffer.from('old')]));
    const reader = await storage.read(KEY);
    await storage.write(KEY, Readable.from([Buffer.from('new and longer')]));
    expect((await buffer(reader)).toString()).toBe('old');
    expect((await buffer(await storage.read(KEY))).toString()).toBe('new and longer');
  });

  it('is readable by our own user only, at every level', async () => {
    await storage.write('a/b', Readable.from([Buffer.from('secret')]));
    expect(await modeOf('files')).toBe(0o700);
    expect(await modeOf('files/a')).toBe(0o700);
    expect(await modeOf('files/a/b')).toBe(0o600);
  });

  it('leaves nothing of a body that fails half-way, and keeps the file of before', async () => {
    await storage.write('a/b', Readable.from([Buffer.from('old')]));
    await expect(storage.write('a/b', failingBody(new Error('the client left')))).rejects.toThrow(
      'the client left',
    );
    expect(await readdir(join(root, 'files/a'))).toEqual(['b']);
    expect((await buffer(await storage.read('a/b'))).toString()).toBe('old');
  });

  it('leaves nothing of a body that failed before it began', async () => {
    const body = new Readable({ read() {} });
    const writing = storage.write('a/b', body);
    body.destroy(new Error('the client left at once'));
    await expect(writing).rejects.toThrow('the client left at once');
    expect(await readdir(join(root, 'files/a'))).toEqual([]);
  });

  it('tells a full disk in words for the client', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    await expect(storage.write(KEY, failingBody(full))).rejects.toMatchObject({
      name: 'AppError',
      code: 'unavailable',
      cause: full,
    });
  });

  it('keeps the whole of one of two bodies that are written at once', async () => {
    const bodies = ['a', 'b'].map((letter) => Array.from({ length: 50 }, () => Buffer.alloc(10_000, letter)));
    await Promise.all(bodies.map((chunks) => storage.write(KEY, Readable.from(chunks))));
    const stored = (await buffer(await storage.read(KEY))).toString();
    expect(['a'.repeat(500_000), 'b'.repeat(500_000)]).toContain(stored);
  });
});

describe('read', () => {
  it.each(['nothing/here', 'a/b/c'])('tells that %s is missing', async (key) => {
    await storage.write('a/b', Readable.from([Buffer.from('text')]));
    await expect(storage.read(key)).rejects.toMatchObject({ name: 'SourceError', reason: 'file_missing' });
  });
});

describe('delete', () => {
  it('removes one file, and a missing one is no error', async () => {
    await storage.write('a/b', Readable.from([Buffer.from('1')]));
    await storage.write('a/c', Readable.from([Buffer.from('2')]));
    await storage.delete('a/b');
    await storage.delete('a/b');
    expect(await readdir(join(root, 'files/a'))).toEqual(['c']);
  });

  it('removes a folder and nothing beside it', async () => {
    await storage.write('projects/p1/a/b', Readable.from([Buffer.from('1')]));
    await storage.write('projects/p10/a', Readable.from([Buffer.from('2')]));
    await storage.deleteFolder('projects/p1/');
    await storage.deleteFolder('projects/p1/');
    expect(await readdir(join(root, 'files/projects'))).toEqual(['p10']);
  });

  it('removes no folder by the start of a name', async () => {
    await expect(storage.deleteFolder('projects/p1')).rejects.toThrow('ends in a slash');
  });
});

describe('a key that leads elsewhere', () => {
  const keys = [
    '',
    '..',
    '../x',
    'a/../../x',
    'a/./b',
    '/etc/passwd',
    'a//b',
    'a/',
    'a\0b',
    'a\\..\\b',
    '.a',
    'a/.b.partial',
  ];

  it.each(keys)('%j is refused by every act', async (key) => {
    const body = Readable.from([Buffer.from('x')]);
    await expect(storage.write(key, body)).rejects.toThrow('not a key');
    await expect(storage.read(key)).rejects.toThrow('not a key');
    await expect(storage.delete(key)).rejects.toThrow('not a key');
    await expect(storage.deleteFolder(`${key}/`)).rejects.toThrow('not a key');
    expect(await readdir(root)).toEqual([]);
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
