import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createLogger } from '#platform/logger.js';
import { type FakeS3, startFakeS3 } from '#test/fakes/fake-s3.js';

import { type S3FileStorage, type S3FileStorageOptions, createS3FileStorage } from './s3-file-storage.js';

// What every storage does is in file-storage.test.ts.

const KEY = 'projects/p1/sources/s1/original';
const MIB = 1024 * 1024;

let fake: FakeS3;
const opened: S3FileStorage[] = [];

beforeEach(async () => {
  fake = await startFakeS3();
});
afterEach(async () => {
  for (const storage of opened.splice(0)) storage.close();
  vi.unstubAllEnvs();
  await fake.close();
});

function open(options: Partial<S3FileStorageOptions> = {}): S3FileStorage {
  const storage = createS3FileStorage({
    bucket: fake.bucketName,
    endpoint: fake.endpoint,
    region: fake.key.region,
    credentials: fake.key,
    connectTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
    ...options,
  });
  opened.push(storage);
  return storage;
}

const operations = () => fake.calls.map(({ operation }) => operation);
const small = () => Readable.from(['some text']);
const large = () => Readable.from(Array.from({ length: 12 }, (_value, place) => Buffer.alloc(MIB, place)));

describe('a body', () => {
  it('is one request up to 5 MiB, and parts above', async () => {
    const storage = open();
    await storage.write('a', Readable.from([Buffer.alloc(5 * MIB)]));
    expect(operations()).toEqual(['PutObject']);
    await storage.write('b', large());
    const parts = ['UploadPart', 'UploadPart', 'UploadPart'];
    expect(operations().slice(1)).toEqual(['CreateMultipartUpload', ...parts, 'CompleteMultipartUpload']);
    expect(fake.calls.every(({ status }) => status === 200)).toBe(true);
  });

  it('is not read further ahead than the part in flight, however slow the server is', async () => {
    fake.setFault(({ operation }) => (operation === 'UploadPart' ? 'hang' : null));
    let pulledBytes = 0;
    const endless = new Readable({
      read() {
        pulledBytes += 65_536;
        this.push(Buffer.alloc(65_536));
      },
    });
    await expect(open({ requestTimeoutMs: 200 }).write(KEY, endless)).rejects.toMatchObject(UNAVAILABLE);
    expect(pulledBytes).toBeGreaterThan(5 * MIB);
    expect(pulledBytes).toBeLessThan(6 * MIB);
    expect(endless.destroyed).toBe(true);
    expect(fake.bucket.uploads.size).toBe(0);
  });
});

const UNAVAILABLE = {
  name: 'AppError',
  code: 'unavailable',
  message: 'The file storage cannot be reached at the moment. Please try again.',
};
const REFUSED = {
  name: 'AppError',
  code: 'unavailable',
  message: 'The file storage refuses us at the moment: its settings need a look.',
};
const FULL = {
  name: 'AppError',
  code: 'unavailable',
  message: 'The file could not be stored: the file storage is full.',
};

describe('access', () => {
  it('is refused with a wrong secret, and nothing that is secret reaches message or log', async () => {
    const credentials = { ...fake.key, secretAccessKey: 'wrong/secret' };
    const storage = open({ credentials });
    const error: unknown = await storage.write(KEY, small()).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      ...REFUSED,
      cause: { code: 'SignatureDoesNotMatch', message: 'S3 answered 403' },
    });
    expect(fake.calls.map(({ status }) => status)).toEqual([403]);
    expect(fake.bucket.objects.size).toBe(0);
    const lines: string[] = [];
    createLogger('debug', { write: (line) => void lines.push(line) }).error({ err: error }, 'failed');
    expect(lines.join('')).toContain('SignatureDoesNotMatch');
    for (const hidden of [credentials.secretAccessKey, credentials.accessKeyId, KEY]) {
      expect(lines.join('') + JSON.stringify(error)).not.toContain(hidden);
    }
  });

  it('is refused for an access key, a region and a bucket that are not there', async () => {
    const credentials = { ...fake.key, accessKeyId: 'OTHERKEY' };
    await expect(open({ credentials }).read(KEY)).rejects.toMatchObject(REFUSED);
    await expect(open({ region: 'other-1' }).read(KEY)).rejects.toMatchObject(UNAVAILABLE);
    // A missing bucket is no missing file.
    await expect(open({ bucket: 'other' }).read(KEY)).rejects.toMatchObject({
      ...UNAVAILABLE,
      cause: { code: 'NoSuchBucket' },
    });
  });

  it('is found by the SDK itself where no credentials are given', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', fake.key.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', fake.key.secretAccessKey);
    const storage = open({ credentials: null });
    await storage.write(KEY, small());
    expect(await text(await storage.read(KEY))).toBe('some text');
  });
});

describe('a server in trouble', () => {
  it('is asked three times: what fails twice succeeds', async () => {
    fake.setFault(({ operation }, count) => {
      if (count > 2) return null;
      return operation === 'PutObject' ? 'slow_down' : 'reset';
    });
    const storage = open();
    await storage.write('projects/p1/small', small());
    await storage.write(KEY, large());
    expect(fake.bucket.objects.get(KEY)?.body).toHaveLength(12 * MIB);
    expect((await buffer(await storage.read(KEY))).length).toBe(12 * MIB);
    await storage.deleteFolder('projects/p1/');
    expect(fake.bucket.objects.size).toBe(0);
  });

  it('is asked no more than three times', async () => {
    fake.setFault(() => 'slow_down');
    await expect(open().write(KEY, small())).rejects.toMatchObject(UNAVAILABLE);
    expect(operations()).toEqual(['PutObject', 'PutObject', 'PutObject']);
  });

  it.each(['reset', 'hang'] as const)('may %s once', async (fault) => {
    fake.setFault((_call, count) => (count === 1 ? fault : null));
    const storage = open({ requestTimeoutMs: 1_000 });
    await storage.write(KEY, small());
    expect(await text(await storage.read(KEY))).toBe('some text');
  });

  it('that is away is told as such by every act', async () => {
    const storage = open({ connectTimeoutMs: 500, requestTimeoutMs: 500 });
    await fake.close();
    await expect(storage.write(KEY, small())).rejects.toMatchObject({
      ...UNAVAILABLE,
      cause: { code: 'ECONNREFUSED' },
    });
    await expect(storage.read(KEY)).rejects.toMatchObject(UNAVAILABLE);
    await expect(storage.delete(KEY)).rejects.toMatchObject(UNAVAILABLE);
    await expect(storage.deleteFolder('projects/')).rejects.toMatchObject(UNAVAILABLE);
    await expect(storage.list('projects/')[Symbol.asyncIterator]().next()).rejects.toMatchObject(UNAVAILABLE);
    await expect(storage.deleteUnfinished('projects/', new Date())).rejects.toMatchObject(UNAVAILABLE);
  });

  it.each(['UploadPart', 'CompleteMultipartUpload'] as const)(
    'that is full at %s leaves no upload open',
    async (operation) => {
      fake.setFault((call) => (call.operation === operation ? 'full' : null));
      const body = large();
      await expect(open().write(KEY, body)).rejects.toMatchObject(FULL);
      expect(fake.bucket.uploads.size).toBe(0);
      expect(fake.bucket.objects.size).toBe(0);
      expect(body.destroyed).toBe(true);
    },
  );

  it('that does not list uploads has none to clear', async () => {
    fake.setFault(() => 'not_implemented');
    expect(await open().deleteUnfinished('projects/', new Date())).toBe(0);
  });
});

describe('a download that breaks off', () => {
  it('goes on at the same byte', async () => {
    const storage = open();
    await storage.write(KEY, large());
    fake.setFault((_call, count) => (count <= 3 ? 'cut' : null));
    const content = await buffer(await storage.read(KEY));
    expect(content.equals(await buffer(large()))).toBe(true);
    const ranges = fake.calls.filter(({ operation }) => operation === 'GetObject').map(({ range }) => range);
    expect(ranges).toHaveLength(4);
    expect(ranges[0]).toBeNull();
    expect(ranges.slice(1).every((range) => /^bytes=\d+-$/.test(range ?? ''))).toBe(true);
  });

  it('fails when it cannot go on', async () => {
    const storage = open();
    await storage.write(KEY, large());
    fake.setFault((_call, count) => (count === 1 ? 'cut' : 'reset'));
    await expect(buffer(await storage.read(KEY))).rejects.toMatchObject(UNAVAILABLE);
  });

  it('fails when the file was replaced meanwhile: two halves of two files are no file', async () => {
    const storage = open();
    await storage.write(KEY, large());
    fake.setFault(({ operation }) => (operation === 'GetObject' ? 'cut' : null));
    const reader = await storage.read(KEY);
    await storage.write(KEY, Readable.from([Buffer.alloc(12 * MIB)]));
    await expect(buffer(reader)).rejects.toMatchObject({
      ...UNAVAILABLE,
      cause: { code: 'PreconditionFailed' },
    });
  });
});
