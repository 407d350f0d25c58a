import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TestApp, createTestApp } from './create-test-app.js';
import { type FakeS3, startFakeS3 } from './fakes/fake-s3.js';

const REFUNDS = '# Refunds\n\nA refund takes five working days. It goes to the card that was used.';

let app: TestApp;
let s3: FakeS3;
let token: string;
let projectId: string;

beforeAll(async () => {
  s3 = await startFakeS3();
  app = await createTestApp({
    environment: {
      S3_BUCKET: s3.bucketName,
      S3_ENDPOINT: s3.endpoint,
      AWS_REGION: s3.key.region,
      AWS_ACCESS_KEY_ID: s3.key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.key.secretAccessKey,
    },
  });
  ({ token } = await app.register());
  projectId = await app.createProject(token);
});

afterAll(async () => {
  await app.close();
  await s3.close();
});

function originals(): string[] {
  return [...s3.bucket.objects.keys()].filter((key) => key.endsWith('/original'));
}

it('an upload lies in the bucket, is indexed from there, and goes with its source', async () => {
  const uploaded = await app.upload(token, projectId, { name: 'refunds.md', content: REFUNDS });
  expect(uploaded.status).toBe(202);
  const path = `/v1/projects/${projectId}/sources/${uploaded.body.id}`;
  expect(originals()).toEqual([`projects/${projectId}/sources/${uploaded.body.id}/original`]);
  await app.runJobs();
  expect((await app.request('GET', path, { token })).body).toMatchObject({ status: 'ready', chunkCount: 1 });
  expect((await app.request('DELETE', path, { token })).status).toBe(204);
  await app.runJobs();
  expect(originals()).toEqual([]);
});

it('an upload while the storage is away is 503, and leaves neither a row nor a file', async () => {
  s3.setFault(({ operation }) => (operation === 'PutObject' ? 'full' : null));
  const refused = await app.upload(token, projectId, { name: 'refunds.md', content: REFUNDS });
  s3.setFault(null);
  expect(refused.body).toMatchObject({ status: 503, code: 'unavailable' });
  expect(originals()).toEqual([]);
  expect((await app.request('GET', `/v1/projects/${projectId}/sources`, { token })).body.data).toEqual([]);
});

it('indexing waits for a storage that is away', async () => {
  const { body } = await app.upload(token, projectId, { name: 'refunds.md', content: REFUNDS });
  s3.setFault(({ operation }) => (operation === 'GetObject' ? 'not_implemented' : null));
  await app.runJobs();
  const path = `/v1/projects/${projectId}/sources/${body.id}`;
  expect((await app.request('GET', path, { token })).body.status).toBe('processing');
  s3.setFault(null);
  app.clock.advance(60_000);
  await app.runJobs();
  expect((await app.request('GET', path, { token })).body.status).toBe('ready');
});
