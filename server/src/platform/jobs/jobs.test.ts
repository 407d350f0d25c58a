import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SourceError } from '#kernel/source-error.js';
import { type TestContext, createTestContext } from '#test/create-test-context.js';
import { createGate } from '#test/gate.js';
import { type ScriptedJobs, createScriptedJobs, scriptedJob, untilAborted } from '#test/scripted-jobs.js';
import type { Context } from '../context.js';
import { inTransaction } from '../transaction.js';
import { cancelJob } from './cancel-job.js';
import { enqueueJob } from './enqueue-job.js';
import { registerJobs } from './job-registry.js';
import { recoverExpiredJobs, runNextJob } from './run-job.js';

const LEASE_MS = 10_000;

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

async function runAllDue(): Promise<void> {
  while (await jobs.runNext());
}

async function countJobs(): Promise<unknown> {
  const { rows } = await ctx.db.execute(sql`select count(*)::int as count from jobs`);
  return rows[0]?.['count'];
}

describe('enqueueJob', () => {
  it('leaves nothing and rings for nobody when its transaction is rolled back', async () => {
    let rings = 0;
    const ringing = { ...ctx, dispatchJob: () => void (rings += 1) };
    const acted = inTransaction(ringing, async (tx) => {
      await enqueueJob(tx, scriptedJob, { projectId: null, payload: { name: 'a' } });
      throw new Error('no more');
    });
    await expect(acted).rejects.toThrow('no more');
    expect([await countJobs(), rings]).toEqual([0, 0]);
  });

  it('rings after the commit', async () => {
    const seen: string[] = [];
    const ringing = { ...ctx, dispatchJob: () => void seen.push('rung') };
    await inTransaction(ringing, async (tx) => {
      await enqueueJob(tx, scriptedJob, { projectId: null, payload: { name: 'a' } });
      seen.push('end of the transaction');
    });
    expect(seen).toEqual(['end of the transaction', 'rung']);
  });

  it('refuses a payload that its definition does not allow', async () => {
    await expect(
      enqueueJob(ctx, scriptedJob, { projectId: null, payload: { name: '' } }),
    ).rejects.toMatchObject({
      name: 'ZodError',
    });
    expect(await countJobs()).toBe(0);
  });

  it('makes no second job with the key of one that is queued, and runs one again that was wanted while it ran', async () => {
    const first = await jobs.enqueue('a', { dedupeKey: 'same' });
    expect(await jobs.enqueue('b', { dedupeKey: 'same' })).toBe('already under way');
    expect(await jobs.enqueue('c', { dedupeKey: 'other' })).not.toBe('already under way');
    let whileRunning = '';
    jobs.script('a', async () => {
      if (whileRunning === '') whileRunning = await jobs.enqueue('d', { dedupeKey: 'same' });
    });
    await jobs.runNext();
    expect(whileRunning).toBe('already under way');
    expect(await jobs.find(first)).toMatchObject({ status: 'queued', attempts: 0, finishedAt: null });
    await runAllDue();
    expect(jobs.started).toEqual(['a', 'a', 'c']);
    expect(await jobs.find(first)).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(await jobs.enqueue('e', { dedupeKey: 'same' })).not.toBe('already under way');
  });
});

describe('claiming', () => {
  it('takes the lowest priority first, then the one that has waited longest', async () => {
    await jobs.enqueue('later', { priority: 20 });
    test.clock.advance(1);
    await jobs.enqueue('third');
    test.clock.advance(-2);
    await jobs.enqueue('second');
    test.clock.advance(3);
    await jobs.enqueue('urgent', { priority: 1 });
    await runAllDue();
    expect(jobs.started).toEqual(['urgent', 'second', 'third', 'later']);
  });

  it('gives each job to one of many claimers', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `job ${index}`);
    const ids = await Promise.all(names.map((name) => jobs.enqueue(name)));
    const claimer = async (workerId: string) => {
      while (await jobs.runNext(workerId));
    };
    await Promise.all(Array.from({ length: 12 }, (_, index) => claimer(`worker ${index}`)));
    expect(jobs.started.toSorted()).toEqual(names.toSorted());
    const rows = await Promise.all(ids.map(jobs.find));
    expect(new Set(rows.map(({ status, attempts }) => `${status} ${attempts}`))).toEqual(
      new Set(['succeeded 1']),
    );
  });

  it('leaves kinds of jobs alone that it has no handler for', async () => {
    const jobId = await jobs.enqueue('a');
    const never = new AbortController().signal;
    expect(await runNextJob(ctx, registerJobs({}, {}), 'worker', never)).toBe(false);
    expect((await jobs.find(jobId)).status).toBe('queued');
  });
});

describe('a lease', () => {
  it('that has run out gives the job to the next worker, and the stale one can write no more', async () => {
    const gate = createGate();
    const begun = createGate();
    let staleFence: unknown;
    jobs.script('a', async ({ job }) => {
      if (job.attempt === 2) return job.reportProgress(ctx, { stage: 'second', done: 1, total: 1 });
      begun.open();
      await gate.passed;
      await job.reportProgress(ctx, { stage: 'stale', done: 0, total: 1 });
      staleFence = await inTransaction(ctx, (tx) => job.fence(tx)).catch((error: unknown) => error);
    });
    const jobId = await jobs.enqueue('a');
    const staleRun = jobs.runNext('stale worker');
    await begun.passed;

    test.clock.advance(LEASE_MS - 1);
    await recoverExpiredJobs(ctx, jobs.registry, 'rescuer');
    expect((await jobs.find(jobId)).status).toBe('running');
    test.clock.advance(2);
    await recoverExpiredJobs(ctx, jobs.registry, 'rescuer');
    expect(await jobs.find(jobId)).toMatchObject({
      status: 'queued',
      error: { code: 'worker_lost' },
      attempts: 1,
    });

    test.clock.advance(scriptedJob.backoffMs);
    await jobs.runNext('second worker');
    gate.open();
    await staleRun;
    expect(staleFence).toMatchObject({ name: 'LeaseLostError' });
    expect(await jobs.find(jobId)).toMatchObject({
      status: 'succeeded',
      attempts: 2,
      progress: { stage: 'second', done: 1, total: 1 },
    });
    expect(jobs.ended).toEqual([]);
  });

  it('that runs out at the last attempt ends the job with a reason', async () => {
    jobs.script('a', () => Promise.reject(new SourceError('fetch_failed', 'Away.', { retryable: true })));
    const jobId = await jobs.enqueue('a');
    for (const _attempt of [1, 2]) {
      await jobs.runNext();
      test.clock.advance(2 * scriptedJob.backoffMs);
    }
    const gate = createGate();
    const begun = createGate();
    jobs.script('a', () => {
      begun.open();
      return gate.passed;
    });
    const stale = jobs.runNext();
    await begun.passed;
    test.clock.advance(LEASE_MS + 1);
    await recoverExpiredJobs(ctx, jobs.registry, 'rescuer');
    gate.open();
    await stale;
    expect(await jobs.find(jobId)).toMatchObject({
      status: 'failed',
      error: { code: 'worker_lost' },
      attempts: 3,
    });
    expect(jobs.ended).toMatchObject([{ name: 'a', status: 'failed', failure: { code: 'worker_lost' } }]);
  });
});

describe('a failed attempt', () => {
  const failure = { code: 'fetch_failed', message: 'The page is away.' };
  const away = () => Promise.reject(new SourceError('fetch_failed', failure.message, { retryable: true }));

  it('waits before it is tried again, each time up to twice as long, and fails for good at the last', async () => {
    jobs.script('a', away);
    const jobId = await jobs.enqueue('a');
    for (const longestMs of [1_000, 2_000]) {
      const now = ctx.clock.now().getTime();
      await jobs.runNext();
      const row = await jobs.find(jobId);
      expect(row).toMatchObject({ status: 'queued', error: failure, lockedBy: null, lockedUntil: null });
      expect(row.runAt.getTime()).toBeGreaterThanOrEqual(now);
      expect(row.runAt.getTime()).toBeLessThanOrEqual(now + longestMs);
      test.clock.advance(row.runAt.getTime() - now - 1);
      expect(await jobs.runNext()).toBe(false);
      test.clock.advance(1);
    }
    expect(jobs.ended).toEqual([]);
    await jobs.runNext();
    const row = await jobs.find(jobId);
    expect(row).toMatchObject({ status: 'failed', attempts: 3, error: failure, finishedAt: ctx.clock.now() });
    expect(jobs.ended).toEqual([{ name: 'a', status: 'failed', failure }]);
    expect(await jobs.runNext()).toBe(false);
  });

  it('fails at once where trying again does not help', async () => {
    jobs.script('a', () => Promise.reject(new SourceError('encrypted', 'The file is encrypted.')));
    const jobId = await jobs.enqueue('a');
    await jobs.runNext();
    const ended = { status: 'failed', failure: { code: 'encrypted', message: 'The file is encrypted.' } };
    expect(await jobs.find(jobId)).toMatchObject({ status: 'failed', attempts: 1, error: ended.failure });
    expect(jobs.ended).toEqual([{ name: 'a', ...ended }]);
  });

  it('of an unexpected kind is logged, and its message is not shown', async () => {
    jobs.script('a', () => Promise.reject(new Error('password of the vault')));
    const jobId = await jobs.enqueue('a');
    await jobs.runNext();
    const row = await jobs.find(jobId);
    expect(row).toMatchObject({ status: 'queued', error: { code: 'internal' } });
    expect(JSON.stringify(row)).not.toContain('vault');
    expect(test.logLines.some((line) => line.includes('password of the vault') && line.includes(jobId))).toBe(
      true,
    );
  });
});

describe('cancelling', () => {
  it('ends a queued job at once', async () => {
    const jobId = await jobs.enqueue('a', { dedupeKey: 'key' });
    const otherId = await jobs.enqueue('b', { dedupeKey: 'other' });
    await cancelJob(ctx, { dedupeKey: 'key' });
    expect(await jobs.find(jobId)).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' } });
    await runAllDue();
    expect(jobs.started).toEqual(['b']);
    expect((await jobs.find(otherId)).status).toBe('succeeded');
  });

  it('stops a running job at its next heartbeat', async () => {
    jobs.script('a', async ({ signal }) => {
      await cancelJob(ctx, { dedupeKey: 'key' });
      await untilAborted(signal);
    });
    const jobId = await jobs.enqueue('a', { dedupeKey: 'key' });
    await jobs.runNext();
    expect(await jobs.find(jobId)).toMatchObject({ status: 'cancelled', error: { code: 'cancelled' } });
    expect(jobs.ended).toMatchObject([{ name: 'a', status: 'cancelled', failure: { code: 'cancelled' } }]);
  });

  it('is seen by the fence of a running job, which then writes nothing', async () => {
    jobs.script('a', async ({ job }) => {
      await cancelJob(ctx, { dedupeKey: 'key' });
      await inTransaction(ctx, async (tx) => {
        await enqueueJob(tx, scriptedJob, { projectId: null, payload: { name: 'written' } });
        await job.fence(tx);
      });
    });
    const jobId = await jobs.enqueue('a', { dedupeKey: 'key' });
    await runAllDue();
    expect(jobs.started).toEqual(['a']);
    expect((await jobs.find(jobId)).status).toBe('cancelled');
    expect(jobs.ended).toMatchObject([{ name: 'a', status: 'cancelled' }]);
  });
});
