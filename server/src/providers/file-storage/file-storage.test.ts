import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { sha256Hex } from '#kernel/hash.js';
import type { FileStorage, StoredFile } from '#platform/ports/file-storage.js';
import { startFakeS3 } from '#test/fakes/fake-s3.js';

import { createLocalFileStorage } from './local-file-storage.js';
import { createS3FileStorage } from './s3-file-storage.js';

const KEY = 'projects/p1/sources/s1/original.pdf';
const MIB = 1024 * 1024;
const NOON = new Date('2026-01-15T12:00:00.000Z');
const AN_HOUR_LATER = new Date('2026-01-15T13:00:00.000Z');
const NOT_KEYS = ['', '..', '../x', 'a/../../x', 'a/./b', '/etc/passwd', 'a//b', 'a/', 'a\0b', 'a\\..\\b'];

/** What the suite has to know of a storage beyond its port. */
interface Harness {
  storage: FileStorage;
  setModifiedAt(key: string, at: Date): Promise<void>;
  /** Leaves what a write leaves whose process is killed. */
  plantUnfinished(key: string, startedAt: Date): Promise<void>;
  countUnfinished(): Promise<number>;
  isUntouched(): Promise<boolean>;
  close(): Promise<void>;
}

async function openLocal(): Promise<Harness> {
  const root = await mkdtemp(join(tmpdir(), 'file-storage-'));
  const directory = join(root, 'files');
  return {
    storage: createLocalFileStorage({ directory }),
    setModifiedAt: (key, at) => utimes(join(directory, key), at, at),
    async plantUnfinished(key, startedAt) {
      const folder = join(directory, dirname(key));
      await mkdir(folder, { recursive: true });
      const path = join(folder, `.x.${randomUUID()}.partial`);
      await writeFile(path, 'half');
      await utimes(path, startedAt, startedAt);
    },
    async countUnfinished() {
      const names = await readdir(directory, { recursive: true });
      return names.filter((name) => name.endsWith('.partial')).length;
    },
    isUntouched: async () => (await readdir(root)).length === 0,
    close: () => rm(root, { recursive: true, force: true }),
  };
}

async function openS3(): Promise<Harness> {
  // Two entries a page, so that every listing takes several.
  const fake = await startFakeS3({ pageSize: 2 });
  const storage = createS3FileStorage({
    bucket: fake.bucketName,
    endpoint: fake.endpoint,
    region: fake.key.region,
    credentials: fake.key,
    connectTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
  });
  return {
    storage,
    async setModifiedAt(key, at) {
      const object = fake.bucket.objects.get(key);
      if (object === undefined) throw new Error(`no object ${key}`);
      object.modifiedAt = at;
    },
    async plantUnfinished(key, startedAt) {
      const upload = fake.bucket.uploads.get(fake.bucket.createUpload(key));
      if (upload !== undefined) upload.startedAt = startedAt;
    },
    countUnfinished: async () => fake.bucket.uploads.size,
    isUntouched: async () => fake.calls.length === 0,
    async close() {
      storage.close();
      await fake.close();
    },
  };
}

describe.each([
  ['local', openLocal],
  ['S3', openS3],
])('%s file storage', (_name, open) => {
  let harness: Harness;
  let storage: FileStorage;

  beforeEach(async () => {
    harness = await open();
    ({ storage } = harness);
  });
  afterEach(() => harness.close());

  const write = (key: string, text: string) => storage.write(key, Readable.from([text]));
  const read = async (key: string) => (await buffer(await storage.read(key))).toString();
  const keysBelow = async (prefix: string) => (await listed(storage, prefix)).map(({ key }) => key);

  describe('write', () => {
    it('stores a body as it comes, and tells its size and hash', async () => {
      const chunks = numberedChunks(240);
      const content = Buffer.concat(chunks);
      const written = await storage.write(KEY, Readable.from(chunks));
      expect(written).toEqual({ bytes: 15 * MIB, sha256: sha256Hex(content) });
      expect(sha256Hex(await buffer(await storage.read(KEY)))).toBe(written.sha256);
    });

    it('stores an empty body', async () => {
      expect(await storage.write(KEY, Readable.from([]))).toEqual({ bytes: 0, sha256: sha256Hex('') });
      expect(await read(KEY)).toBe('');
    });

    it('counts bytes of a text, not characters', async () => {
      expect(await write(KEY, 'Größe')).toEqual({ bytes: 7, sha256: sha256Hex('Größe') });
      expect(await read(KEY)).toBe('Größe');
    });

    it('replaces a file, and who reads the old one reads it to its end', async () => {
      await write(KEY, 'old');
      const reader = await storage.read(KEY);
      await write(KEY, 'new and longer');
      expect((await buffer(reader)).toString()).toBe('old');
      expect(await read(KEY)).toBe('new and longer');
    });

    it.each([1, 200])(
      'leaves nothing of a body that fails after %i chunks, and keeps the file',
      async (count) => {
        await write('a/b', 'old');
        const error = new Error('the client left');
        await expect(storage.write('a/b', failingBody(error, count))).rejects.toBe(error);
        expect(await harness.countUnfinished()).toBe(0);
        expect(await keysBelow('a/')).toEqual(['a/b']);
        expect(await read('a/b')).toBe('old');
      },
    );

    it('leaves nothing of a body that failed before it began', async () => {
      const body = new Readable({ read() {} });
      const writing = storage.write('a/b', body);
      body.destroy(new Error('the client left at once'));
      await expect(writing).rejects.toThrow('the client left at once');
      expect(await keysBelow('a/')).toEqual([]);
    });

    it('stores nothing of a body that is broken off without an error', async () => {
      const body = new Readable({ read() {} });
      body.push(Buffer.alloc(100));
      const writing = storage.write('a/b', body);
      body.destroy();
      await expect(writing).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
      expect(await keysBelow('a/')).toEqual([]);
    });

    it('keeps the whole of one of two bodies that are written at once', async () => {
      const bodies = ['a', 'b'].map((letter) => Array.from({ length: 60 }, () => letter.repeat(100_000)));
      await Promise.all(bodies.map((chunks) => storage.write(KEY, Readable.from(chunks))));
      expect(['a'.repeat(6_000_000), 'b'.repeat(6_000_000)]).toContain(await read(KEY));
    });
  });

  describe('read', () => {
    it.each(['nothing/here', 'a/b/c'])('tells that %s is missing, in words without the key', async (key) => {
      await write('a/b', 'text');
      await expect(storage.read(key)).rejects.toMatchObject({
        name: 'SourceError',
        reason: 'file_missing',
        message: 'the stored file is gone',
      });
    });

    it('may be given up before the first byte and in the middle', async () => {
      await storage.write(KEY, Readable.from(numberedChunks(20)));
      (await storage.read(KEY)).destroy();
      for await (const chunk of await storage.read(KEY)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      expect((await buffer(await storage.read(KEY))).length).toBe(20 * 65_536);
    });
  });

  describe('delete', () => {
    it('removes one file, and a missing one is no error', async () => {
      await write('a/b', '1');
      await write('a/c', '2');
      await storage.delete('a/b');
      await storage.delete('a/b');
      expect(await keysBelow('a/')).toEqual(['a/c']);
    });

    it('removes a folder with all below it, and nothing beside it', async () => {
      for (const name of ['b', 'c/d', 'c/e', 'f/g/h', 'i']) await write(`projects/p1/${name}`, name);
      await write('projects/p10/a', '2');
      await storage.deleteFolder('projects/p1/');
      await storage.deleteFolder('projects/p1/');
      expect(await keysBelow('projects/')).toEqual(['projects/p10/a']);
    });

    it('removes no folder by the start of a name', async () => {
      await expect(storage.deleteFolder('projects/p1')).rejects.toThrow('ends in a slash');
    });
  });

  describe('list', () => {
    it('tells key, size and time of every file below a folder, those of one folder in a row', async () => {
      for (const key of ['p/a/1', 'p/b/1', 'p/a/2', 'p/c', 'p/a-1/x', 'q/a/1']) {
        await write(key, key.repeat(2));
        await harness.setModifiedAt(key, NOON);
      }
      const files = await listed(storage, 'p/');
      const expected = ['p/a-1/x', 'p/a/1', 'p/a/2', 'p/b/1', 'p/c'];
      expect(files.toSorted((one, other) => (one.key < other.key ? -1 : 1))).toEqual(
        expected.map((key) => ({ key, modifiedAt: NOON, bytes: key.length * 2 })),
      );
      const folders = files.map(({ key }) => dirname(key));
      expect(folders.filter((folder, place) => folder !== folders[place - 1])).toHaveLength(4);
    });

    it('is empty for a folder that is not there, and takes folders only', async () => {
      expect(await keysBelow('nothing/')).toEqual([]);
      await expect(listed(storage, 'projects/p1')).rejects.toThrow('ends in a slash');
    });

    it('goes on when what it has told is deleted meanwhile', async () => {
      for (const name of ['1', '2', '3', '4', '5']) await write(`p/${name}/x`, name);
      const seen: string[] = [];
      for await (const { key } of storage.list('p/')) {
        seen.push(key);
        await storage.deleteFolder(`${dirname(key)}/`);
      }
      expect(seen.toSorted()).toEqual(['p/1/x', 'p/2/x', 'p/3/x', 'p/4/x', 'p/5/x']);
      expect(await keysBelow('p/')).toEqual([]);
    });
  });

  describe('deleteUnfinished', () => {
    it('deletes what older writes left below the folder, and no file', async () => {
      await write('p/a/1', 'whole');
      await harness.setModifiedAt('p/a/1', NOON);
      for (const key of ['p/a/1', 'p/b/1', 'p/b/1', 'p/b/1', 'p/b/1', 'p/c/1', 'q/a/1'])
        await harness.plantUnfinished(key, NOON);
      await harness.plantUnfinished('p/d/1', AN_HOUR_LATER);
      expect(await keysBelow('p/')).toEqual(['p/a/1']);
      expect(await storage.deleteUnfinished('p/', AN_HOUR_LATER)).toBe(6);
      expect(await harness.countUnfinished()).toBe(2);
      expect(await storage.deleteUnfinished('p/', AN_HOUR_LATER)).toBe(0);
      expect(await read('p/a/1')).toBe('whole');
    });
  });

  it.each([...NOT_KEYS, '.a', 'a/.b.partial'])('%j is no key: every act refuses it', async (key) => {
    await expect(write(key, 'x')).rejects.toThrow('not a key');
    await expect(storage.read(key)).rejects.toThrow('not a key');
    await expect(storage.delete(key)).rejects.toThrow('not a key');
    await expect(storage.deleteFolder(`${key}/`)).rejects.toThrow('not a key');
    await expect(listed(storage, `${key}/`)).rejects.toThrow('not a key');
    await expect(storage.deleteUnfinished(`${key}/`, NOON)).rejects.toThrow('not a key');
    expect(await harness.isUntouched()).toBe(true);
  });
});

async function listed(storage: FileStorage, prefix: string): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for await (const file of storage.list(prefix)) files.push(file);
  return files;
}

/** Chunks of 64 KiB, no two alike, so that a lost or exchanged one shows. */
function numberedChunks(count: number): Buffer[] {
  return Array.from({ length: count }, (_value, place) => Buffer.alloc(65_536, `chunk ${place} `));
}

function failingBody(error: Error, afterChunks: number): Readable {
  const chunks = numberedChunks(afterChunks);
  return new Readable({
    read() {
      const chunk = chunks.pop();
      if (chunk === undefined) this.destroy(error);
      else this.push(chunk);
    },
  });
}
