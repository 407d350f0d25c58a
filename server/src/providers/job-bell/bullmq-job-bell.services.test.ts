import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Redis } from 'ioredis';
import { createLogger } from '#platform/logger.js';
import { startJobRunner } from '#platform/jobs/job-runner.js';
import { relayRings } from '#platform/jobs/relay-rings.js';
import { connectRedis } from '#providers/redis/connect-redis.js';
import { type TestContext, createTestContext } from '#test/create-test-context.js';
import { eventually } from '#test/eventually.js';
import { type RedisServer, startRedis } from '#test/faults/start-redis.js';
import { createGate } from '#test/gate.js';
import { type ScriptedJobs, createScriptedJobs } from '#test/scripted-jobs.js';
import { createBullMqJobBell } from './bullmq-job-bell.js';
import type { JobBell } from '#platform/ports/job-bell.js';

const LONG_MS = 60_000;
/** The relay rings for what has waited a second. */
const GRACE_MS = 1_000;

let server: RedisServer;
let test: TestContext;
let jobs: ScriptedJobs;
let redis: Redis;
let bell: JobBell;

beforeAll(async () => {
  server = await startRedis();
  test = await createTestContext();
});

beforeEach(async () => {
  await server.command('FLUSHALL');
  jobs = await createScriptedJobs(test.ctx);
  redis = connectRedis({ url: server.url, log: createLogger('error') });
  bell = createBullMqJobBell({ redis });
  await eventually('Redis to be reached', async () => ((await bell.check()) === 'away' ? null : true));
});

afterEach(async () => {
  await bell.close();
  redis.disconnect();
});

afterAll(async () => {
  await test.close();
  await server.close();
});

/** A worker that claims nothing but what it hears of. */
function startWorker(concurrency = 2) {
  return startJobRunner(test.ctx, jobs.registry, { concurrency, bell });
}

async function ring(jobId: string): Promise<void> {
  const { id, priority, runAt } = await jobs.find(jobId);
  await bell.ring([{ id, priority, runAt }]);
}

function whenSucceeded(jobId: string) {
  return eventually(`job ${jobId}`, async () =>
    (await jobs.find(jobId)).status === 'succeeded' ? true : null,
  );
}

describe('a ring', () => {
  it('makes a worker run the job that it names, once, and leaves nothing behind', async () => {
    const worker = startWorker();
    const [first, second] = [await jobs.enqueue('a'), await jobs.enqueue('b')];
    await ring(second);
    await whenSucceeded(second);
    expect(jobs.started).toEqual(['b']);
    expect((await jobs.find(first)).status).toBe('queued');
    await ring(second);
    await ring(first);
    await whenSucceeded(first);
    await worker.stop(LONG_MS);
    expect(jobs.started).toEqual(['b', 'a']);
    expect(await redis.keys(`botbase:jobs:${first}*`)).toEqual([]);
    expect(await redis.keys(`botbase:jobs:${second}*`)).toEqual([]);
  });

  it('of a more urgent job is heard first', async () => {
    const slow = await jobs.enqueue('slow', { priority: 50 });
    const urgent = await jobs.enqueue('urgent', { priority: 1 });
    await ring(slow);
    await ring(urgent);
    const worker = startWorker(1);
    await Promise.all([whenSucceeded(slow), whenSucceeded(urgent)]);
    await worker.stop(LONG_MS);
    expect(jobs.started).toEqual(['urgent', 'slow']);
  });

  it('fails at once while Redis is away', async () => {
    await server.stop();
    await expect(bell.ring([{ id: 'x', priority: 1, runAt: new Date() }])).rejects.toThrow('Redis is away');
    expect(await bell.check()).toBe('away');
    await server.start();
  });
});

describe('the relay', () => {
  it('rings for jobs that nobody rang for, once', async () => {
    const jobId = await jobs.enqueue('forgotten');
    test.clock.advance(GRACE_MS);
    expect(await relayRings(test.ctx, bell)).toBe('ready');
    const { rungAt } = await jobs.find(jobId);
    expect(rungAt).toEqual(test.clock.now());
    test.clock.advance(GRACE_MS);
    await relayRings(test.ctx, bell);
    expect((await jobs.find(jobId)).rungAt).toEqual(rungAt);
    expect(await redis.zcard('botbase:jobs:prioritized')).toBe(1);
  });

  it('rings again for all when Redis has forgotten them', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, (_, index) => jobs.enqueue(`job ${index}`)));
    test.clock.advance(GRACE_MS);
    await relayRings(test.ctx, bell);
    await server.command('FLUSHALL');
    await relayRings(test.ctx, bell);
    expect(await redis.zcard('botbase:jobs:prioritized')).toBe(20);
    const worker = startWorker();
    await Promise.all(ids.map(whenSucceeded));
    await worker.stop(LONG_MS);
    expect(jobs.started.toSorted()).toEqual(ids.map((_, index) => `job ${index}`).toSorted());
  });

  it('leaves jobs to the workers while Redis is away, and dispatches again when it is back', async () => {
    const worker = startWorker();
    await server.stop();
    const alone = await jobs.enqueue('alone');
    await whenSucceeded(alone);
    await server.start();
    const later = await jobs.enqueue('later');
    test.clock.advance(GRACE_MS);
    await whenSucceeded(later);
    await worker.stop(LONG_MS);
    expect(jobs.started).toEqual(['alone', 'later']);
  });
});

it('a worker that stops hands its job back, and another one hears of it', async () => {
  const begun = createGate();
  jobs.script('long', async ({ signal }) => {
    if (jobs.started.length > 1) return;
    begun.open();
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    // It is queued for a later time than before, as time goes by outside of tests.
    test.clock.advance(1);
    throw signal.reason;
  });
  const ctx = {
    ...test.ctx,
    dispatchJob: (rung: Parameters<JobBell['ring']>[0][number]) => void bell.ring([rung]),
  };
  const first = startJobRunner(ctx, jobs.registry, { concurrency: 1, bell });
  const jobId = await jobs.enqueue('long');
  await ring(jobId);
  await begun.passed;
  const second = startJobRunner(ctx, jobs.registry, { concurrency: 1, bell });
  await first.stop(0);
  await whenSucceeded(jobId);
  await second.stop(LONG_MS);
  expect(await jobs.find(jobId)).toMatchObject({ status: 'succeeded', attempts: 1 });
});
