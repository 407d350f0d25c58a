import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer as readBuffer } from 'node:stream/consumers';
import { type FakeS3Bucket, createFakeS3Bucket } from './fake-s3-bucket.js';
import { type FakeS3Call, answerS3Call, operationOf, sendXmlError } from './fake-s3-operations.js';
import { type SigningKey, checkSignature } from './fake-s3-signature.js';

/**
 * How a call fails: S3's errors; `hang` never answers, `reset` ends the connection without an answer, `cut` ends
 * it in the middle of the answer's body.
 */
type FakeS3Fault = 'slow_down' | 'full' | 'not_implemented' | 'hang' | 'reset' | 'cut';

const FAULT_ERRORS = {
  slow_down: { status: 503, code: 'SlowDown' },
  full: { status: 507, code: 'XMinioStorageFull' },
  not_implemented: { status: 501, code: 'NotImplemented' },
};

export interface FakeS3 {
  readonly endpoint: string;
  readonly bucketName: string;
  readonly bucket: FakeS3Bucket;
  readonly key: SigningKey;
  /** Every call with a status, in order; 0 where the connection was not given an answer. */
  readonly calls: readonly (FakeS3Call & { status: number })[];
  /** Decides for each call, with the number of such operations so far, whether it fails. Null: none does. */
  setFault(fault: ((call: FakeS3Call, count: number) => FakeS3Fault | null) | null): void;
  close(): Promise<void>;
}

interface FakeS3Options {
  now: () => Date;
  /** Entries of one page of a listing. */
  pageSize: number;
}

/**
 * A real HTTP server on a free port of loopback that speaks S3's wire for one bucket, path-style. It checks the
 * signature of every request and its body, and fails as it is told.
 */
export async function startFakeS3(options: Partial<FakeS3Options> = {}): Promise<FakeS3> {
  const { now = () => new Date(), pageSize = 1000 } = options;
  const bucketName = 'botbase-files';
  const key = {
    region: 'eu-test-1',
    accessKeyId: 'FAKEACCESSKEY',
    secretAccessKey: 'fake/secret+access/key',
  };
  const bucket = createFakeS3Bucket(now);
  const calls: (FakeS3Call & { status: number })[] = [];
  let decideFault: Parameters<FakeS3['setFault']>[0] = null;

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBuffer(incoming);
    const { method = '', url = '' } = incoming;
    const headers = incoming.headers as Record<string, string | undefined>;
    const call = operationOf(method, url, headers);
    const entry = { ...call, status: 0 };
    calls.push(entry);
    response.on('finish', () => {
      entry.status = response.statusCode;
    });
    const refusal = checkSignature({ method, url, headers, body }, key, now());
    if (refusal !== null) return sendXmlError(response, refusal);
    if (call.bucketName !== bucketName) return sendXmlError(response, { status: 404, code: 'NoSuchBucket' });
    const count = calls.filter(({ operation }) => operation === call.operation).length;
    const fault = decideFault?.(call, count) ?? null;
    switch (fault) {
      case 'hang':
        return undefined;
      case 'reset':
        return void incoming.socket.resetAndDestroy();
      case 'slow_down':
      case 'full':
      case 'not_implemented':
        return sendXmlError(response, FAULT_ERRORS[fault]);
      case 'cut':
      case null:
        return answerS3Call(response, { call, headers, body, bucket, pageSize, isCut: fault === 'cut' });
    }
  }

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucketName,
    bucket,
    key,
    calls,
    setFault(fault) {
      decideFault = fault;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
