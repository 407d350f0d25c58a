import type { AddressInfo } from 'node:net';
import type { RuntimeConfig } from '#platform/config/runtime-config.js';
import type { Context } from '#platform/context.js';
import { deleteExpiredIdempotencyKeys } from '#platform/http/idempotency.queries.js';
import { startJobRunner } from '#platform/jobs/job-runner.js';
import { takeBackJobs } from '#platform/jobs/run-job.js';
import { closeAbandonedTurns } from '#features/chat/close-abandoned-turns.js';
import { createContext } from './create-context.js';
import { createServer } from './create-server.js';
import { jobRegistry } from './job-handlers.js';

const JOB_CONCURRENCY = 2;
/** Streams and jobs in hand get this long; then answers are cut and kept, jobs go back. */
const DRAIN_MS = 30_000;
const SWEEP_EVERY_MS = 60_000;

export interface RunningBotbase {
  url: string;
  stop(): Promise<void>;
}

/** Runs API and workers in this process, until it is stopped. */
export async function runAll(config: RuntimeConfig): Promise<RunningBotbase> {
  const { ctx, isAlone, close } = await createContext(config);
  await closeAbandonedTurns(ctx, isAlone);
  if (isAlone) await takeBackJobs(ctx);
  const server = await createServer(ctx);
  const runner = startJobRunner(ctx, jobRegistry, JOB_CONCURRENCY);
  ctx.dispatchJob = runner.ring;
  const sweep = setInterval(() => void sweepUp(ctx), SWEEP_EVERY_MS);
  const { port, host } = config.http;
  try {
    await server.listen({ port, host });
  } catch (error) {
    clearInterval(sweep);
    await runner.stop(0);
    await close();
    throw error;
  }
  return {
    url: urlOf(host, (server.server.address() as AddressInfo).port),
    stop: async () => {
      clearInterval(sweep);
      // Readers that follow an indexing, or read no more, would hold the server open for ever.
      const cut = setTimeout(() => server.server.closeAllConnections(), DRAIN_MS);
      await Promise.all([server.close(), ctx.streams.drain(DRAIN_MS), runner.stop(DRAIN_MS)]);
      clearTimeout(cut);
      await ctx.streams.drain(0);
      await close();
    },
  };
}

/** What nobody else ends: answers whose process died, and answers kept for an Idempotency-Key that is too old. */
async function sweepUp(ctx: Context): Promise<void> {
  try {
    await closeAbandonedTurns(ctx, false);
    await deleteExpiredIdempotencyKeys(ctx.db, ctx.clock.now());
  } catch (error) {
    ctx.log.warn({ err: error }, 'the sweep could not reach the database');
  }
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
