import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inTransaction } from '#platform/transaction.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import { type TestApp, createTestApp } from './create-test-app.js';

let app: TestApp;
let token: string;
beforeAll(async () => {
  app = await createTestApp();
  ({ token } = await app.register());
});
afterAll(() => app.close());

const create = (key: string) =>
  app.request('POST', '/v1/projects', { token, body: { name: 'Once' }, headers: { 'idempotency-key': key } });

/** As a start with another ENCRYPTION_KEY, and the one of before among the previous ones or not. */
function rotate(isOldKept: boolean): void {
  const encryptionKey = randomBytes(32);
  const previous = isOldKept ? app.ctx.config.decryptionKeys : [];
  Object.assign(app.ctx.config, { encryptionKey, decryptionKeys: [encryptionKey, ...previous] });
}

it('an answer and a mail that an earlier key encrypted are read while that key is known', async () => {
  const first = await create('before');
  const content = { subject: 'Hello', paragraphs: ['From before.'], footnote: 'Why you get this.' };
  await inTransaction(app.ctx, (tx) => queueMail(tx, 'ada@example.com', content));
  rotate(true);
  const again = await create('before');
  expect([again.status, again.headers['idempotency-replayed']]).toEqual([201, 'true']);
  expect(again.body).toEqual(first.body);
  await app.runJobs();
  const own = app.mails.filter(({ to }) => to === 'ada@example.com');
  expect(own.map(({ subject }) => subject)).toEqual(['Hello']);
});

it('without it an answer is a conflict, and nothing is done a second time', async () => {
  await create('lost');
  const { body: before } = await app.request('GET', '/v1/projects', { token });
  rotate(false);
  expect((await create('lost')).body).toMatchObject({ status: 409, code: 'conflict' });
  const { body: after } = await app.request('GET', '/v1/projects', { token });
  expect(after.data).toHaveLength(before.data.length);
});
