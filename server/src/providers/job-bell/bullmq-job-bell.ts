import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { JobBell, JobRing } from '#platform/ports/job-bell.js';

const QUEUE_NAME = 'jobs';
const KEY_PREFIX = 'botbase';
/** Gone when Redis was emptied, and then whoever looks first finds out. */
const MARKER_KEY = `${KEY_PREFIX}:jobs-rung`;

/** A command that is not answered by then will not be: Redis is stopped, or the way to it is. */
const COMMAND_TIMEOUT_MS = 2_000;
/**
 * A ring that a killed worker had taken is given to another after 5 to 15 s. The row's own lease decides what runs
 * again, and when; this only bounds how long a ring is lost that was taken and not yet answered.
 */
const LOCK_MS = 10_000;
const STALLED_CHECK_MS = 5_000;
const MAX_STALLED = 10;
const BLOCK_SECONDS = 5;
/** A connection that owes an answer for so long has lost what it sent: it is made anew, and asks again. */
const SILENCE_MS = 2 * BLOCK_SECONDS * 1_000;

/**
 * Rings through a BullMQ queue. BullMQ carries the id alone: attempts, delays and dedupe are the row's, so that there
 * is one truth. A ring is removed when it was answered.
 */
export function createBullMqJobBell(options: { redis: Redis }): JobBell {
  const { redis } = options;
  // A queue whose first words to Redis fail is never of use again: it is made when Redis is there, and after a failure
  // made anew.
  let queue: Queue | null = null;
  const dismiss = async () => {
    const dismissed = queue;
    queue = null;
    await inTime(dismissed?.close()).catch(() => {});
  };

  return {
    ring: async (jobs) => {
      if (redis.status !== 'ready') throw new Error('Redis is away');
      queue ??= openQueue(redis);
      try {
        await inTime(queue.addBulk(jobs.map(toBullMqJob)));
      } catch (error) {
        await dismiss();
        throw error;
      }
    },
    listen: (answer, concurrency) => {
      const listening = connectListener(redis);
      const worker = new Worker(QUEUE_NAME, (ring) => answer((ring.data as { id: string }).id), {
        connection: listening,
        prefix: KEY_PREFIX,
        concurrency,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_CHECK_MS,
        maxStalledCount: MAX_STALLED,
        drainDelay: BLOCK_SECONDS,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      });
      // The connection that it was given tells when Redis goes away and comes back; this would at every try.
      worker.on('error', () => {});
      return { stop: () => stopWorker(worker).finally(() => listening.disconnect()) };
    },
    check: async () => {
      try {
        const isNew = await inTime(redis.set(MARKER_KEY, '1', 'NX'));
        return isNew === 'OK' ? 'emptied' : 'ready';
      } catch {
        return 'away';
      }
    },
    close: dismiss,
  };
}

function openQueue(redis: Redis): Queue {
  const queue = new Queue(QUEUE_NAME, {
    connection: redis,
    prefix: KEY_PREFIX,
    skipWaitingForReady: true,
    skipMetasUpdate: true,
    defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
  });
  queue.on('error', () => {});
  return queue;
}

/** It blocks until there is a ring, so its time limit is longer; it too comes back for as long as the process runs. */
function connectListener(redis: Redis): Redis {
  const listener = redis.duplicate({
    lazyConnect: true,
    maxRetriesPerRequest: null,
    enableOfflineQueue: true,
    autoResendUnfulfilledCommands: true,
  });
  delete listener.options.commandTimeout;
  listener.options.socketTimeout = SILENCE_MS;
  listener.on('error', () => {});
  return listener;
}

/** BullMQ takes 1 for the most urgent, and 0 for more urgent than any. */
function toBullMqJob(ring: JobRing) {
  const jobId = `${ring.id}-${ring.runAt.getTime()}`;
  return { name: 'run', data: { id: ring.id }, opts: { jobId, priority: ring.priority } };
}

/** Waits for no ring in hand: the runner does, and BullMQ would without limit. */
async function stopWorker(worker: Worker): Promise<void> {
  await inTime(worker.pause(true)).catch(() => {});
  await inTime(worker.close(true)).catch(() => {});
}

async function inTime<T>(work: Promise<T> | undefined): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Redis did not answer in time')), COMMAND_TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
