import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeS3, startFakeS3 } from './fake-s3.js';
import { signatureOf } from './fake-s3-signature.js';

/** What a test does to a request after it was signed. */
type Tamper = (request: SignedRequest) => void;

interface SignedRequest {
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body: unknown;
}

let fake: FakeS3;
let client: S3Client;
let tamper: Tamper = () => {};

beforeEach(async () => {
  fake = await startFakeS3();
  client = openClient(fake);
  await client.send(put('a file/ä+(1).txt', 'content'));
});
afterEach(async () => {
  tamper = () => {};
  client.destroy();
  await fake.close();
});

function openClient({ endpoint, key }: FakeS3): S3Client {
  const opened = new S3Client({
    endpoint,
    region: key.region,
    credentials: key,
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  opened.middlewareStack.add(
    (next) => (args) => {
      tamper(args.request as SignedRequest);
      return next(args);
    },
    { step: 'deserialize' },
  );
  return opened;
}

function put(key: string, body: string): PutObjectCommand {
  return new PutObjectCommand({ Bucket: fake.bucketName, Key: key, Body: body });
}

const nameOf = (sending: Promise<unknown>) =>
  sending.then(
    () => 'ok',
    (error: unknown) => (error instanceof Error ? error.name : 'no error'),
  );

describe('the signature check', () => {
  it('computes what the example of the S3 documentation says', () => {
    const request = {
      method: 'GET',
      url: '/test.txt',
      headers: {
        host: 'examplebucket.s3.amazonaws.com',
        range: 'bytes=0-9',
        'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        'x-amz-date': '20130524T000000Z',
      },
      body: new Uint8Array(),
    };
    const key = {
      region: 'us-east-1',
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    };
    expect(signatureOf(request, Object.keys(request.headers), key)).toBe(
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
  });

  it('lets a request pass that comes as it was signed, with a key that needs encoding', async () => {
    const { Body } = await client.send(
      new GetObjectCommand({ Bucket: fake.bucketName, Key: 'a file/ä+(1).txt' }),
    );
    expect(await Body?.transformToString()).toBe('content');
  });

  it.each<[string, Tamper, string]>([
    ['another body', (request) => (request.body = 'conTent'), 'XAmzContentSHA256Mismatch'],
    ['another path', (request) => (request.path = request.path.replace('b', 'c')), 'SignatureDoesNotMatch'],
    ['a parameter more', (request) => (request.query['acl'] = ''), 'SignatureDoesNotMatch'],
    ['another second', (request) => changeSecond(request), 'SignatureDoesNotMatch'],
    ['an unsigned header', (request) => (request.headers['x-amz-acl'] = 'public-read'), 'AccessDenied'],
    ['no signature', (request) => delete request.headers['authorization'], 'AccessDenied'],
    [
      'an unsigned body',
      (request) => (request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD'),
      'InvalidRequest',
    ],
  ])('refuses %s', async (_what, change, code) => {
    tamper = change;
    expect(await nameOf(client.send(put('b', 'content')))).toBe(code);
    expect([...fake.bucket.objects.keys()]).toEqual(['a file/ä+(1).txt']);
  });
});

it.each([-16, 16])('refuses a request of a clock that is %i minutes off', async (minutes) => {
  const other = await startFakeS3({ now: () => new Date(Date.now() + minutes * 60_000) });
  const sending = openClient(other).send(new GetObjectCommand({ Bucket: other.bucketName, Key: 'b' }));
  expect(await nameOf(sending)).toBe('RequestTimeTooSkewed');
  await other.close();
});

it('answers calls that it does not know with 501', async () => {
  const creating = client.send(new CreateBucketCommand({ Bucket: fake.bucketName }));
  expect(await nameOf(creating)).toBe('NotImplemented');
});

function changeSecond({ headers }: SignedRequest): void {
  headers['x-amz-date'] = (headers['x-amz-date'] ?? '').replace(/\dZ$/, (end) =>
    end === '1Z' ? '2Z' : '1Z',
  );
}
