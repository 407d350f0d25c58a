import { Readable } from 'node:stream';

import { type GetObjectCommandOutput, GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';

import { SourceError } from '#kernel/source-error.js';

import { s3CodeOf, storageError } from './s3-errors.js';

/** How often in a row a download that broke off goes on where it stopped, without a byte gained in between. */
const MAX_RESUMES = 3;

/**
 * Opens an object. A connection that breaks in mid-body, also one that was closed while the reader took its
 * time, is taken up again at the same byte of the same version; only then the stream fails.
 * @throws SourceError `file_missing`, AppError `unavailable`
 */
export async function readObject(client: S3Client, bucket: string, key: string): Promise<Readable> {
  const open = (range: { Range?: string; IfMatch?: string } = {}) =>
    client.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...range }));
  const opened = await open().catch((error: unknown) => {
    if (s3CodeOf(error) === 'NoSuchKey') throw new SourceError('file_missing', 'the stored file is gone');
    throw storageError(error);
  });
  const first = bodyOf(opened);
  const resume = async (offset: number) => {
    // Without a version to hold on to, two halves of two files could be sewn together.
    if (opened.ETag === undefined) throw new Error('an object without an ETag cannot be resumed');
    const rest = await open({ Range: `bytes=${offset}-`, IfMatch: opened.ETag });
    if (!rest.ContentRange?.startsWith(`bytes ${offset}-`))
      throw new Error('S3 sent another part of the object');
    return bodyOf(rest);
  };
  const stream = Readable.from(chunksOf(first, resume), { objectMode: false });
  // A stream that is destroyed before its first read never enters the generator.
  stream.once('close', () => first.destroy());
  return stream;
}

async function* chunksOf(
  first: Readable,
  resume: (offset: number) => Promise<Readable>,
): AsyncGenerator<Uint8Array> {
  let body = first;
  let iterator = iterate(body);
  let offset = 0;
  let failures = 0;
  try {
    for (;;) {
      let next: IteratorResult<Uint8Array>;
      try {
        next = await iterator.next();
      } catch (error) {
        failures += 1;
        if (failures > MAX_RESUMES) throw error;
        body = await resume(offset);
        iterator = iterate(body);
        continue;
      }
      if (next.done === true) return;
      offset += next.value.length;
      failures = 0;
      yield next.value;
    }
  } catch (error) {
    throw storageError(error);
  } finally {
    body.destroy();
  }
}

function iterate(body: Readable): AsyncIterator<Uint8Array> {
  return body[Symbol.asyncIterator]();
}

function bodyOf(output: GetObjectCommandOutput): Readable {
  if (!(output.Body instanceof Readable)) throw new Error('S3 answered without a body');
  // It may fail while nobody reads; the iterator reports that at the next read.
  output.Body.on('error', () => {});
  return output.Body;
}
