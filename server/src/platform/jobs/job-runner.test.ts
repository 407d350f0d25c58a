import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestContext, createTestContext } from '#test/create-test-context.js';
import { createGate } from '#test/gate.js';
import { type ScriptedJobs, createScriptedJobs, scriptedJob, untilAborted } from '#test/scripted-jobs.js';
import type { Context } from '../context.js';
import { defineJob } from './define-job.js';
import { enqueueJob } from './enqueue-job.js';
import { startJobRunner } from './job-runner.js';
import { registerJobs } from './job-registry.js';
import { runNextJob } from './run-job.js';

const LONG_MS = 60_000;

let test: TestContext;
let ctx: Context;
let jobs: ScriptedJobs;

beforeAll(async () => {
  test = await createTestContext();
  ctx = test.ctx;
});

beforeEach(async () => {
  jobs = await createScriptedJobs(ctx);
});

afterAll(() => test.close());

describe('startJobRunner', () => {
  it('runs jobs when it is rung, at most `concurrency` at a time', async () => {
    const gate = createGate();
    const lastDone = createGate();
    let running = 0;
    let most = 0;
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names) {
      jobs.script(name, async () => {
        most = Math.max(most, (running += 1));
        if (running === 2) gate.open();
        await gate.passed;
        running -= 1;
        if (name === 'e') lastDone.open();
      });
    }
    const runner = startJobRunner(ctx, jobs.registry, { concurrency: 2, bell: null });
    const ids = await Promise.all(names.map((name) => jobs.enqueue(name)));
    runner.ring();
    await lastDone.passed;
    await runner.stop(LONG_MS);
    const rows = await Promise.all(ids.map(jobs.find));
    expect(rows.map(({ status }) => status)).toEqual(names.map(() => 'succeeded'));
    expect(most).toBe(2);
  });

  it('finishes the job in hand when it stops, and takes no other', async () => {
    const begun = createGate();
    const gate = createGate();
    jobs.script('a', async () => {
      begun.open();
      await gate.passed;
    });
    const first = await jobs.enqueue('a');
    const second = await jobs.enqueue('b', { priority: 20 });
    const runner = startJobRunner(ctx, jobs.registry, { concurrency: 1, bell: null });
    await begun.passed;
    const stopped = runner.stop(LONG_MS);
    gate.open();
    await stopped;
    expect((await jobs.find(first)).status).toBe('succeeded');
    expect(await jobs.find(second)).toMatchObject({ status: 'queued', attempts: 0 });
  });

  it('hands jobs back uncounted when they take too long to stop', async () => {
    const begun = createGate();
    jobs.script('a', ({ signal }) => {
      begun.open();
      return untilAborted(signal);
    });
    const jobId = await jobs.enqueue('a');
    const runner = startJobRunner(ctx, jobs.registry, { concurrency: 1, bell: null });
    await begun.passed;
    await runner.stop(0);
    expect(await jobs.find(jobId)).toMatchObject({
      status: 'queued',
      attempts: 0,
      lockedBy: null,
      error: null,
    });
    jobs.script('a', async () => {});
    await jobs.runNext();
    expect(await jobs.find(jobId)).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(jobs.ended).toEqual([]);
  });

  it('takes over a job whose worker died', async () => {
    const begun = createGate();
    const gate = createGate();
    jobs.script('a', async ({ job }) => {
      if (job.attempt > 1) return gate.open();
      begun.open();
      return gate.passed;
    });
    const jobId = await jobs.enqueue('a');
    const dead = jobs.runNext('dead worker');
    await begun.passed;
    test.clock.advance(15_001);
    const runner = startJobRunner(ctx, jobs.registry, { concurrency: 1, bell: null });
    await expect
      .poll(async () => (await jobs.find(jobId)).lockedBy, { timeout: 10_000 })
      .not.toBe('dead worker');
    test.clock.advance(scriptedJob.backoffMs);
    runner.ring();
    await dead;
    await runner.stop(LONG_MS);
    expect(await jobs.find(jobId)).toMatchObject({ status: 'succeeded', attempts: 2 });
  });
});

describe('an attempt', () => {
  it('that takes longer than its definition allows is aborted and tried again', async () => {
    const quick = defineJob({ ...scriptedJob, type: 'quick', timeoutMs: 1, maxAttempts: 2 });
    const ends: unknown[] = [];
    const registry = registerJobs(
      { quick },
      {
        quick: {
          run: (_ctx, _job, _payload, signal) => untilAborted(signal),
          ended: async (_tx, _payload, end) => void ends.push(end),
        },
      },
    );
    const jobId = (await enqueueJob(ctx, quick, { projectId: null, payload: { name: 'a' } })) ?? '';
    const never = new AbortController().signal;
    await runNextJob(ctx, registry, 'worker', never);
    expect(await jobs.find(jobId)).toMatchObject({
      status: 'queued',
      attempts: 1,
      error: { code: 'timeout' },
    });
    test.clock.advance(quick.backoffMs);
    await runNextJob(ctx, registry, 'worker', never);
    expect(await jobs.find(jobId)).toMatchObject({
      status: 'failed',
      attempts: 2,
      error: { code: 'timeout' },
    });
    expect(ends).toMatchObject([{ status: 'failed', failure: { code: 'timeout' } }]);
  });

  it('that is told to stop before it began goes back uncounted', async () => {
    jobs.script('a', ({ signal }) => untilAborted(signal));
    const jobId = await jobs.enqueue('a');
    await jobs.runNext('worker', AbortSignal.abort());
    expect(await jobs.find(jobId)).toMatchObject({ status: 'queued', attempts: 0 });
  });
});
