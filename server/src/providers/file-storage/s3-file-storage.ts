import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  type ListObjectsV2CommandOutput,
  type MultipartUpload,
  S3Client,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';

import { batches } from '#kernel/batches.js';
import type { FileStorage } from '#platform/ports/file-storage.js';

import { isKeyPart, splitFolder, splitKey } from './file-key.js';
import { s3CodeOf, storageError } from './s3-errors.js';
import { readObject } from './s3-read.js';
import { writeObject } from './s3-write.js';

export interface S3FileStorageOptions {
  bucket: string;
  /** Of an S3-compatible server, which is addressed path-style. Null: Amazon's. */
  endpoint: string | null;
  region: string;
  /** Null: from where the SDK looks by itself: variables, profiles, the roles of containers and machines. */
  credentials: { accessKeyId: string; secretAccessKey: string } | null;
  connectTimeoutMs: number;
  /** Until a request, with the up to 5 MiB that it carries, has its answer; and between bytes of a download. */
  requestTimeoutMs: number;
}

export interface S3FileStorage extends FileStorage {
  /** Drops the connections; what is under way fails. */
  close(): void;
}

const MAX_ATTEMPTS = 3;
const DELETES_IN_FLIGHT = 8;

/**
 * Files as objects of one bucket of Amazon S3 or a server that speaks its protocol. An object is seen whole or
 * not at all: up to 5 MiB it is one request, above a multipart upload that is aborted when its body fails.
 */
export function createS3FileStorage(options: S3FileStorageOptions): S3FileStorage {
  const { bucket } = options;
  const client = createClient(options);
  return {
    async write(key, body) {
      splitKey(key);
      return writeObject(client, { Bucket: bucket, Key: key }, body);
    },
    async read(key) {
      splitKey(key);
      return readObject(client, bucket, key);
    },
    async delete(key) {
      splitKey(key);
      await deleteObject(client, bucket, key);
    },
    async deleteFolder(prefix) {
      splitFolder(prefix);
      for await (const { Contents: objects = [] } of listPages(client, bucket, prefix)) {
        // One by one: DeleteObjects wants a checksum that servers other than Amazon's do not agree about.
        for (const group of batches(objects, DELETES_IN_FLIGHT)) {
          await Promise.all(group.map(({ Key: key }) => deleteObject(client, bucket, key)));
        }
      }
    },
    async *list(prefix) {
      splitFolder(prefix);
      for await (const { Contents: objects = [] } of listPages(client, bucket, prefix)) {
        for (const { Key: key, LastModified: modifiedAt, Size: bytes } of objects) {
          if (key === undefined || modifiedAt === undefined || bytes === undefined) continue;
          if (key.split('/').every(isKeyPart)) yield { key, modifiedAt, bytes };
        }
      }
    },
    async deleteUnfinished(prefix, startedBefore) {
      splitFolder(prefix);
      let count = 0;
      for await (const { Key, UploadId, Initiated } of listUploads(client, bucket, prefix)) {
        if (Initiated === undefined || Initiated >= startedBefore) continue;
        await client
          .send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
          .catch(unless('NoSuchUpload'));
        count += 1;
      }
      return count;
    },
    close: () => client.destroy(),
  };
}

function createClient(options: S3FileStorageOptions): S3Client {
  return new S3Client({
    region: options.region,
    ...(options.endpoint === null ? {} : { endpoint: options.endpoint, forcePathStyle: true }),
    ...(options.credentials === null ? {} : { credentials: options.credentials }),
    maxAttempts: MAX_ATTEMPTS,
    retryMode: 'standard',
    // The checksums that the SDK adds by default are refused by many servers other than Amazon's. What is sent is
    // guarded all the same: the signature covers a SHA-256 of it, or TLS does.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Asking first costs a connection for every part: the SDK keeps none alive that was asked on.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: options.connectTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      throwOnRequestTimeout: true,
      socketTimeout: options.requestTimeoutMs,
    },
  });
}

async function deleteObject(client: S3Client, bucket: string, key: string | undefined): Promise<void> {
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })).catch(unless('NoSuchKey'));
}

async function* listPages(
  client: S3Client,
  bucket: string,
  prefix: string,
): AsyncGenerator<ListObjectsV2CommandOutput> {
  try {
    yield* paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix });
  } catch (error) {
    throw storageError(error);
  }
}

/** MinIO lists the uploads of one whole key only, so none here; it clears them by itself after a day. */
async function* listUploads(
  client: S3Client,
  bucket: string,
  prefix: string,
): AsyncGenerator<MultipartUpload> {
  let marker: UploadMarker | null = {};
  while (marker !== null) {
    const page: ListMultipartUploadsCommandOutput | null = await client
      .send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...marker }))
      .catch(unless('NotImplemented'));
    yield* page?.Uploads ?? [];
    marker = markerAfter(page);
  }
}

interface UploadMarker {
  KeyMarker?: string | undefined;
  UploadIdMarker?: string | undefined;
}

function markerAfter(page: ListMultipartUploadsCommandOutput | null): UploadMarker | null {
  if (page?.IsTruncated !== true || page.NextKeyMarker === undefined) return null;
  return { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
}

/** For a call that one of S3's codes answers as well as success does. */
function unless(code: string): (error: unknown) => null {
  return (error) => {
    if (s3CodeOf(error) === code) return null;
    throw storageError(error);
  };
}
