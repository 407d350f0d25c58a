import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { auditLogs } from '#db/schema/audit-logs.js';
import { jobs } from '#db/schema/jobs.js';
import { users } from '#db/schema/users.js';
import { newId } from '#kernel/ids.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import type { Mailer } from '#platform/ports/mailer.js';
import { inTransaction } from '#platform/transaction.js';
import { requeueStuckSources } from '#features/sources/requeue-stuck-sources.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { untilAborted } from '#test/scripted-jobs.js';

/** No attempt waits for longer than this for its next. */
const LONGEST_BACKOFF_MS = 300_000;
const TEXT = 'A parcel within the country costs €4.90. The office dog is called Biscuit.';

let app: TestApp;
let token: string;
let userId: string;
let projectId: string;
/** What the mail server does. */
let send: Mailer['send'];
const sent: string[] = [];

beforeAll(async () => {
  app = await createTestApp({
    overrides: { mailer: { send: (mail, signal) => send(mail, signal), close: () => {} } },
  });
  ({ token, userId } = await app.register());
  await app.ctx.db.update(users).set({ role: 'admin' }).where(eq(users.id, userId));
  projectId = await app.createProject(token);
});
beforeEach(async () => {
  await app.ctx.db.delete(jobs);
  sent.length = 0;
  send = async ({ to }) => void sent.push(to);
});
afterAll(() => app.close());

const call = (method: string, path = '') => app.request(method, `/v1/admin/jobs${path}`, { token });
const read = async (jobId: string) => (await call('GET', `/${jobId}`)).body;
const act = (jobId: string, verb: 'retry' | 'cancel') => call('POST', `/${jobId}/${verb}`);

async function onlyJobId(query = ''): Promise<string> {
  const { data } = (await call('GET', query)).body;
  expect(data).toHaveLength(1);
  return data[0].id;
}

async function queueOneMail(): Promise<string> {
  const content = { subject: 'Hello', paragraphs: ['A letter.'], footnote: 'Bye' };
  await inTransaction(app.ctx, (tx) => queueMail(tx, 'ada@example.com', content));
  return onlyJobId('?type=send-mail');
}

/** Runs what is due until nothing waits for a next attempt either. */
async function runAllAttempts(): Promise<void> {
  for (let attempt = 0; attempt < 12; attempt += 1) {
    await app.runJobs();
    app.clock.advance(LONGEST_BACKOFF_MS);
  }
}

async function addText(): Promise<string> {
  const body = { type: 'text', name: 'Handbook', text: TEXT };
  const source = await app.request('POST', `/v1/projects/${projectId}/sources`, { token, body });
  return source.body.id;
}
const sourceOf = async (sourceId: string) =>
  (await app.request('GET', `/v1/projects/${projectId}/sources/${sourceId}`, { token })).body;

async function auditOf(jobId: string) {
  const rows = await app.ctx.db
    .select()
    .from(auditLogs)
    .where(eq(auditLogs.resourceId, jobId))
    .orderBy(auditLogs.id);
  return rows.map(({ action, actorId, changes }) => ({ action, actorId, changes }));
}

describe('jobs', () => {
  it('are listed newest first, without what they work on, by status, type and project', async () => {
    const mailJobId = await queueOneMail();
    await addText();
    const { body } = await call('GET');
    expect(body.data.map(({ type }: { type: string }) => type)).toEqual(['ingest-source', 'send-mail']);
    expect(body.data[1]).toEqual({
      id: mailJobId,
      type: 'send-mail',
      projectId: null,
      status: 'queued',
      attempts: 0,
      maxAttempts: 8,
      runAt: app.clock.now().toISOString(),
      lockedBy: null,
      lockedUntil: null,
      cancelRequestedAt: null,
      error: null,
      progress: null,
      isRetryable: false,
      createdAt: expect.any(String),
      finishedAt: null,
    });
    expect(JSON.stringify(body)).not.toMatch(/sealed|payload|sourceId/);
    expect(await onlyJobId('?type=send-mail')).toBe(mailJobId);
    expect(await onlyJobId(`?projectId=${projectId}`)).toBe(body.data[0].id);
    expect((await call('GET', '?status=failed')).body).toEqual({ data: [], nextCursor: null });
    const first = await call('GET', '?limit=1');
    expect(await onlyJobId(`?limit=1&cursor=${first.body.nextCursor}`)).toBe(mailJobId);
    expect(await read(mailJobId)).toEqual(body.data[1]);
    for (const id of ['x', newId()]) expect((await read(id)).code).toBe('not_found');
  });
});

describe('retry', () => {
  it('runs a failed job once more with all its attempts, and says so in the audit log', async () => {
    send = () => Promise.reject(new Error('the mail server is away'));
    const jobId = await queueOneMail();
    await runAllAttempts();
    expect(await read(jobId)).toMatchObject({ status: 'failed', attempts: 8, isRetryable: true });

    send = async ({ to }) => void sent.push(to);
    const retried = await act(jobId, 'retry');
    expect(retried.status).toBe(200);
    expect(retried.body).toMatchObject({
      status: 'queued',
      attempts: 0,
      error: null,
      finishedAt: null,
      runAt: app.clock.now().toISOString(),
    });
    await app.runJobs();
    expect(sent).toEqual(['ada@example.com']);
    expect(await auditOf(jobId)).toEqual([
      {
        action: 'admin.job.retry',
        actorId: userId,
        changes: { type: 'send-mail', status: { before: 'failed', after: 'queued' } },
      },
    ]);
  });

  it('brings a failed source back, which is queued until it is read', async () => {
    const sourceId = await addText();
    const files = join(app.dataDir, 'files', 'projects');
    await rename(files, `${files}-away`);
    await runAllAttempts();
    const jobId = await onlyJobId();
    expect((await sourceOf(sourceId)).status).toBe('failed');

    await rename(`${files}-away`, files);
    expect((await act(jobId, 'retry')).body).toMatchObject({ status: 'queued', attempts: 0 });
    expect(await sourceOf(sourceId)).toMatchObject({ status: 'queued', error: null });
    await app.runJobs();
    expect(await sourceOf(sourceId)).toMatchObject({ status: 'ready', documentCount: 1 });
    expect((await read(jobId)).status).toBe('succeeded');
  });

  it('is refused while the source is being read by another job, and where the source is gone', async () => {
    const sourceId = await addText();
    const jobId = await onlyJobId();
    expect((await act(jobId, 'cancel')).status).toBe(200);
    const path = `/v1/projects/${projectId}/sources/${sourceId}`;
    expect((await app.request('POST', `${path}/sync`, { token })).status).toBe(202);
    expect((await act(jobId, 'retry')).body.code).toBe('conflict');
    await app.runJobs();
    expect((await app.request('DELETE', path, { token })).status).toBe(204);
    expect((await act(jobId, 'retry')).body.code).toBe('conflict');
    expect((await read(jobId)).status).toBe('cancelled');
  });

  it('is refused for jobs that have not failed, and for pages, which are part of a run', async () => {
    const jobId = await queueOneMail();
    expect((await act(jobId, 'retry')).body.code).toBe('conflict');
    const pageJobId = newId();
    const payload = { projectId, sourceId: newId(), pageId: newId() };
    await app.ctx.db.insert(jobs).values({
      id: pageJobId,
      projectId,
      type: 'ingest-page',
      payload,
      status: 'failed',
      priority: 20,
      maxAttempts: 3,
      runAt: app.clock.now(),
    });
    expect(await read(pageJobId)).toMatchObject({ status: 'failed', isRetryable: false });
    const refused = await act(pageJobId, 'retry');
    expect(refused.body).toMatchObject({ code: 'conflict', detail: expect.stringContaining('ingest-page') });
    expect((await act(newId(), 'retry')).body.code).toBe('not_found');
    expect(await auditOf(pageJobId)).toEqual([]);
  });
});

describe('cancel', () => {
  it('ends a queued job with what waits for it, for good', async () => {
    const sourceId = await addText();
    const jobId = await onlyJobId();
    expect((await act(jobId, 'cancel')).body).toMatchObject({
      status: 'cancelled',
      error: { code: 'cancelled' },
      finishedAt: app.clock.now().toISOString(),
      isRetryable: true,
    });
    expect(await sourceOf(sourceId)).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' } });
    app.clock.advance(LONGEST_BACKOFF_MS);
    // Those that wait for a job get one: this one waits for nothing.
    await requeueStuckSources(app.ctx);
    await app.runJobs();
    expect((await sourceOf(sourceId)).status).toBe('cancelled');
    expect((await act(jobId, 'cancel')).body.code).toBe('conflict');

    expect((await act(jobId, 'retry')).status).toBe(200);
    await app.runJobs();
    expect((await sourceOf(sourceId)).status).toBe('ready');
    expect((await act(jobId, 'cancel')).body.code).toBe('conflict');
    expect((await auditOf(jobId)).map(({ action }) => action)).toEqual([
      'admin.job.cancel',
      'admin.job.retry',
    ]);
  });

  it('of an evaluation ends its run, and retry goes on with it', async () => {
    const base = `/v1/projects/${projectId}/test-sets`;
    const testSet = await app.request('POST', base, { token, body: { name: 'Shop' } });
    const cases = [{ question: 'What does a parcel cost?', expectation: 'answer' }];
    await app.request('POST', `${base}/${testSet.body.id}/cases`, { token, body: { cases } });
    const run = await app.request('POST', `${base}/${testSet.body.id}/runs`, { token });
    const runOf = async () =>
      (await app.request('GET', `${base}/${testSet.body.id}/runs/${run.body.id}`, { token })).body;
    const jobId = await onlyJobId();
    await act(jobId, 'cancel');
    expect(await runOf()).toMatchObject({ status: 'failed', error: { code: 'cancelled' } });
    await act(jobId, 'retry');
    expect(await runOf()).toMatchObject({ status: 'queued', error: null });
    await app.runJobs();
    expect(await runOf()).toMatchObject({ status: 'complete', progress: { done: 1, total: 1 } });
  });

  it('asks a running job to stop, which ends at its next sign of life', async () => {
    const jobId = await queueOneMail();
    let asked: unknown;
    send = async (_mail, signal) => {
      asked = (await act(jobId, 'cancel')).body;
      await untilAborted(signal);
    };
    await app.runJobs();
    expect(asked).toMatchObject({
      status: 'running',
      cancelRequestedAt: app.clock.now().toISOString(),
      lockedBy: 'test',
    });
    expect(await read(jobId)).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' } });
    expect(sent).toEqual([]);
    expect((await auditOf(jobId))[0]?.changes).toMatchObject({ cancelRequested: true });
  });
});
