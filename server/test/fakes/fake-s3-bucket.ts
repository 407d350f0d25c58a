import { createHash, randomUUID } from 'node:crypto';
import type { S3Refusal } from './fake-s3-signature.js';

interface FakeS3Object {
  body: Buffer;
  etag: string;
  modifiedAt: Date;
}

interface OpenUpload {
  key: string;
  startedAt: Date;
  parts: Map<number, { body: Buffer; etag: string }>;
}

/** Smaller parts are refused at the end of an upload, the last excepted. */
const MIN_PART_BYTES = 5 * 1024 * 1024;

export interface FakeS3Bucket {
  readonly objects: Map<string, FakeS3Object>;
  /** Multipart uploads that were neither completed nor aborted. */
  readonly uploads: Map<string, OpenUpload>;
  put(key: string, body: Buffer): FakeS3Object;
  createUpload(key: string): string;
  /** @returns the part's ETag */
  uploadPart(uploadId: string, key: string, partNumber: number, body: Buffer): string | S3Refusal;
  completeUpload(
    uploadId: string,
    key: string,
    parts: { partNumber: number; etag: string }[],
  ): FakeS3Object | S3Refusal;
  /** @returns false when there is no such upload */
  abortUpload(uploadId: string, key: string): boolean;
}

/** What one bucket holds: objects, and uploads that have not ended. */
export function createFakeS3Bucket(now: () => Date): FakeS3Bucket {
  const objects = new Map<string, FakeS3Object>();
  const uploads = new Map<string, OpenUpload>();
  const uploadOf = (uploadId: string, key: string) => {
    const upload = uploads.get(uploadId);
    return upload?.key === key ? upload : undefined;
  };
  const store = (key: string, body: Buffer, etag: string) => {
    const object = { body, etag, modifiedAt: now() };
    objects.set(key, object);
    return object;
  };
  return {
    objects,
    uploads,
    put: (key, body) => store(key, body, etagOf(body)),
    createUpload(key) {
      const uploadId = randomUUID();
      uploads.set(uploadId, { key, startedAt: now(), parts: new Map() });
      return uploadId;
    },
    uploadPart(uploadId, key, partNumber, body) {
      const upload = uploadOf(uploadId, key);
      if (upload === undefined) return NO_SUCH_UPLOAD;
      const etag = etagOf(body);
      upload.parts.set(partNumber, { body, etag });
      return etag;
    },
    completeUpload(uploadId, key, parts) {
      const upload = uploadOf(uploadId, key);
      if (upload === undefined) return NO_SUCH_UPLOAD;
      const bodies: Buffer[] = [];
      for (const [place, { partNumber, etag }] of parts.entries()) {
        const part = upload.parts.get(partNumber);
        if (part?.etag !== etag) return { status: 400, code: 'InvalidPart' };
        if (partNumber <= (parts[place - 1]?.partNumber ?? 0))
          return { status: 400, code: 'InvalidPartOrder' };
        const isLast = place === parts.length - 1;
        if (!isLast && part.body.length < MIN_PART_BYTES) return { status: 400, code: 'EntityTooSmall' };
        bodies.push(part.body);
      }
      uploads.delete(uploadId);
      const body = Buffer.concat(bodies);
      return store(key, body, etagOf(body).replace(/"$/, `-${parts.length}"`));
    },
    abortUpload: (uploadId, key) => uploadOf(uploadId, key) !== undefined && uploads.delete(uploadId),
  };
}

const NO_SUCH_UPLOAD: S3Refusal = { status: 404, code: 'NoSuchUpload' };

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}
