import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '#kernel/app-error.js';
import { SourceError } from '#kernel/source-error.js';
import { type TestContext, createTestContext } from '#test/create-test-context.js';
import { type ScriptedJobs, createScriptedJobs, untilAborted } from '#test/scripted-jobs.js';
import type { JobRing } from '../ports/job-bell.js';
import { inTransaction } from '../transaction.js';
import { cancelOneJob } from './cancel-one-job.js';
import { retryJob } from './retry-job.js';

let test: TestContext;
let jobs: ScriptedJobs;
let rings: JobRing[];

beforeAll(async () => {
  test = await createTestContext();
});
beforeEach(async () => {
  jobs = await createScriptedJobs(test.ctx);
  rings = [];
});
afterAll(() => test.close());

const ringing = () => ({ ...test.ctx, dispatchJob: (ring: JobRing) => void rings.push(ring) });
const retry = (jobId: string) => inTransaction(ringing(), (tx) => retryJob(tx, jobs.registry, jobId));
const cancel = (jobId: string) => inTransaction(ringing(), (tx) => cancelOneJob(tx, jobs.registry, jobId));

async function fail(name: string, dedupeKey?: string): Promise<string> {
  jobs.script(name, () => Promise.reject(new SourceError('empty', 'There is no text.')));
  const jobId = await jobs.enqueue(name, dedupeKey === undefined ? {} : { dedupeKey });
  await jobs.runNext();
  expect((await jobs.find(jobId)).status).toBe('failed');
  return jobId;
}

describe('retryJob', () => {
  it('queues a failed job with all its attempts, rings for it, and the job runs', async () => {
    const jobId = await fail('a');
    jobs.script('a', async () => {});
    test.clock.advance(60_000);
    await retry(jobId);
    expect(rings).toEqual([{ id: jobId, priority: 10, runAt: test.clock.now() }]);
    expect(await jobs.find(jobId)).toMatchObject({
      status: 'queued',
      attempts: 0,
      error: null,
      finishedAt: null,
    });
    expect(jobs.retried).toEqual(['a']);
    await jobs.runNext();
    expect(jobs.started).toEqual(['a', 'a']);
    expect(await jobs.find(jobId)).toMatchObject({ status: 'succeeded', attempts: 1 });
  });

  it('lets a job run again that was cancelled while it ran, and nobody stops it again', async () => {
    jobs.script('a', async ({ job, signal }) => {
      await cancel(job.id);
      await untilAborted(signal);
    });
    const jobId = await jobs.enqueue('a');
    await jobs.runNext();
    expect((await jobs.find(jobId)).status).toBe('cancelled');
    jobs.script('a', async () => {});
    await retry(jobId);
    await jobs.runNext();
    expect(await jobs.find(jobId)).toMatchObject({ status: 'succeeded', cancelRequestedAt: null });
  });

  it('is refused while another job with the same key is under way, and rings for nothing', async () => {
    const jobId = await fail('a', 'key');
    const otherId = await jobs.enqueue('b', { dedupeKey: 'key' });
    await expect(retry(jobId)).rejects.toMatchObject({ code: 'conflict' });
    expect([(await jobs.find(jobId)).status, (await jobs.find(otherId)).status]).toEqual([
      'failed',
      'queued',
    ]);
    expect(rings).toEqual([]);
  });

  it('is refused for what has not failed and for what its handler refuses', async () => {
    const queuedId = await jobs.enqueue('b');
    await expect(retry(queuedId)).rejects.toMatchObject({ code: 'conflict' });
    await jobs.runNext();
    await expect(retry(queuedId)).rejects.toThrow('this one is succeeded');
    const goneId = await fail('gone');
    jobs.refuseRetry(new AppError('conflict', 'It is gone.'));
    await expect(retry(goneId)).rejects.toThrow('It is gone.');
    expect((await jobs.find(goneId)).status).toBe('failed');
    await expect(retry('x')).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('cancelOneJob', () => {
  it('ends a queued job, and its handler hears of it', async () => {
    const jobId = await jobs.enqueue('a');
    await cancel(jobId);
    expect(await jobs.find(jobId)).toMatchObject({ status: 'cancelled', finishedAt: test.clock.now() });
    expect(jobs.ended).toMatchObject([{ name: 'a', status: 'cancelled', failure: { code: 'cancelled' } }]);
    expect(await jobs.runNext()).toBe(false);
    await expect(cancel(jobId)).rejects.toMatchObject({ code: 'conflict' });
  });
});
