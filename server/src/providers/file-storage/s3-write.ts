import { pipeline, type Readable } from 'node:stream';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

import { createBodyMeter } from './body-meter.js';
import { storageError } from './s3-errors.js';

/** The least that S3 takes for a part, the last excepted; 10,000 of them make 48 GiB. */
const PART_BYTES = 5 * 1024 * 1024;

interface ObjectAddress {
  Bucket: string;
  Key: string;
}

/**
 * Streams a body of unknown length to an object: up to 5 MiB as one request, above in parts, one after another
 * from one buffer of 5 MiB, which is all that a write holds. (The SDK's own `Upload` makes new buffers for every
 * part: a body of 50 MiB grew the process by 25 MiB more.) A failure aborts the upload.
 */
export async function writeObject(
  client: S3Client,
  object: ObjectAddress,
  body: Readable,
): Promise<{ bytes: number; sha256: string }> {
  const meter = createBodyMeter();
  let bodyFailure: unknown = null;
  pipeline(body, meter.stream, (error) => {
    bodyFailure = error;
  });
  try {
    await sendParts(client, object, meter.stream);
  } catch (error) {
    body.destroy();
    // The body's own failure is its owner's to tell.
    throw error === bodyFailure ? error : storageError(error);
  }
  return meter.result();
}

async function sendParts(client: S3Client, object: ObjectAddress, body: Readable): Promise<void> {
  let uploadId: string | undefined;
  const parts: CompletedPart[] = [];
  try {
    for await (const { content, isLast } of cutParts(body)) {
      if (isLast && uploadId === undefined) {
        await client.send(new PutObjectCommand({ ...object, Body: content }));
        return;
      }
      uploadId ??= (await client.send(new CreateMultipartUploadCommand(object))).UploadId;
      const part = { PartNumber: parts.length + 1, UploadId: uploadId };
      const { ETag } = await client.send(new UploadPartCommand({ ...object, ...part, Body: content }));
      parts.push({ PartNumber: part.PartNumber, ETag });
    }
    const whole = { UploadId: uploadId, MultipartUpload: { Parts: parts } };
    await client.send(new CompleteMultipartUploadCommand({ ...object, ...whole }));
  } catch (error) {
    // Where not even this arrives, what is left is an unfinished write for the sweep.
    const aborting = new AbortMultipartUploadCommand({ ...object, UploadId: uploadId });
    if (uploadId !== undefined) await client.send(aborting).catch(() => {});
    throw error;
  }
}

/** Cuts a body into parts of equal size. The content of a part is good until the next is asked for. */
async function* cutParts(body: Readable): AsyncGenerator<{ content: Uint8Array; isLast: boolean }> {
  const part = Buffer.allocUnsafe(PART_BYTES);
  let filledBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    let takenBytes = 0;
    while (takenBytes < chunk.length) {
      // A full part waits for one byte more: the last one has to be known as such.
      if (filledBytes === PART_BYTES) {
        yield { content: part, isLast: false };
        filledBytes = 0;
      }
      const copiedBytes = chunk.copy(part, filledBytes, takenBytes);
      filledBytes += copiedBytes;
      takenBytes += copiedBytes;
    }
  }
  yield { content: part.subarray(0, filledBytes), isLast: true };
}
