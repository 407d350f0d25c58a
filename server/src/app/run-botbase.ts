import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { RuntimeConfig } from '#platform/config/runtime-config.js';
import type { DrainState } from '#platform/http/draining.js';
import { type JobRunner, startJobRunner } from '#platform/jobs/job-runner.js';
import { takeBackJobs } from '#platform/jobs/run-job.js';
import { type Scheduler, startScheduler } from '#platform/schedule/scheduler.js';
import { closeAbandonedTurns } from '#features/usage/close-abandoned-turns.js';
import { type OpenContext, createContext } from './create-context.js';
import { createServer, createWorkerServer } from './create-server.js';
import { jobRegistry } from './job-handlers.js';
import { schedules } from './schedules.js';

const JOB_CONCURRENCY = { all: 6, worker: 8 };
/** Streams and jobs in hand get this long; then answers are cut and kept, jobs go back. */
const DRAIN_MS = 28_000;
/** Connections that are still open then are closed: readers of an answer have its end by now. */
const CUT_MS = 30_000;
/** With a database that does not answer there is nothing left to wait for. */
const GIVE_UP_MS = 40_000;
/** At first new requests are refused politely, so that clients leave before the port and their connections close. */
const REFUSE_MS = 1_000;

export interface RunningBotbase {
  url: string;
  stop(): Promise<void>;
}

/** Runs what `config.role` names in this process, until it is stopped. */
export async function runBotbase(config: RuntimeConfig): Promise<RunningBotbase> {
  const open = await createContext(config);
  const { ctx, close } = open;
  const drain: DrainState = { isDraining: false };
  const server = await (config.role === 'worker' ? createWorkerServer(ctx, drain) : createServer(ctx, drain));
  const work = config.role === 'api' ? null : await startWork(open);
  const { port, host } = config.http;
  try {
    await server.listen({ port, host });
  } catch (error) {
    await work?.stop(0);
    await close();
    throw error;
  }
  return {
    url: urlOf(host, (server.server.address() as AddressInfo).port),
    stop: async () => {
      drain.isDraining = true;
      const isDone = await Promise.race([
        drainAll(server, open, work).then(() => true),
        delay(GIVE_UP_MS, false, { ref: false }),
      ]);
      if (!isDone)
        ctx.log.warn('the database or a client did not let this process end: it ends all the same');
    },
  };
}

async function drainAll(
  server: FastifyInstance,
  { ctx, close }: OpenContext,
  work: Work | null,
): Promise<void> {
  // Readers that follow an indexing, or read no more, would hold the server open for ever.
  const cut = setTimeout(() => server.server.closeAllConnections(), CUT_MS);
  const closed = delay(REFUSE_MS).then(() => server.close());
  await Promise.all([closed, ctx.streams.drain(DRAIN_MS), work?.stop(DRAIN_MS)]);
  clearTimeout(cut);
  await ctx.streams.drain(0);
  await close();
}

interface Work {
  stop: (timeoutMs: number) => Promise<void>;
}

/** Jobs and scheduled tasks. */
async function startWork({ ctx, bell, isAlone }: OpenContext): Promise<Work> {
  await closeAbandonedTurns(ctx);
  if (isAlone) await takeBackJobs(ctx);
  const concurrency = ctx.config.role === 'worker' ? JOB_CONCURRENCY.worker : JOB_CONCURRENCY.all;
  const runner: JobRunner = startJobRunner(ctx, jobRegistry, { concurrency, bell });
  if (bell === null) ctx.dispatchJob = runner.ring;
  const scheduler: Scheduler = startScheduler(ctx, schedules);
  return { stop: async (ms) => void (await Promise.all([runner.stop(ms), scheduler.stop()])) };
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
