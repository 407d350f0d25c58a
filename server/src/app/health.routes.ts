import { timingSafeEqual } from 'node:crypto';
import { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import { sha256Hex } from '#kernel/hash.js';
import type { Context } from '#platform/context.js';
import { bearerToken } from '#platform/http/caller.js';
import { problems } from '#platform/http/schemas.js';
import { countJobs } from '#platform/jobs/jobs.queries.js';

const CHECK_TIMEOUT_MS = 2_000;
const RETRY_SECONDS = 5;
const FRESH_MS = 1_000;

const partSchema = z.object({ status: z.enum(['ok', 'failed']), milliseconds: z.number() });
const healthSchema = z.object({
  status: z.enum(['ok', 'unavailable']),
  parts: z.record(z.string(), partSchema),
});

export const healthRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const tags = ['Operation'];
    const check = createCheck(ctx);

    server.get(
      '/health/live',
      {
        schema: {
          tags,
          summary: 'The process answers',
          response: { 200: z.object({ status: z.literal('ok') }) },
        },
      },
      async () => ({ status: 'ok' as const }),
    );

    server.get(
      '/health/ready',
      {
        schema: {
          tags,
          summary: 'Requests can be served',
          response: { 200: z.object({ status: z.literal('ok') }), ...problems },
        },
      },
      async () => {
        const { status } = await check();
        if (status === 'ok') return { status };
        throw new AppError(
          'unavailable',
          'The database or the file storage cannot be reached at the moment.',
          {
            retryAfterSeconds: RETRY_SECONDS,
          },
        );
      },
    );

    server.get(
      '/health',
      {
        schema: {
          tags,
          summary: 'Each part with its state and latency',
          response: { 200: healthSchema, ...problems },
        },
        onRequest: operatorsOnly(ctx),
      },
      () => check(),
    );

    server.get(
      '/metrics',
      { schema: { tags, summary: 'Metrics for Prometheus' }, onRequest: operatorsOnly(ctx) },
      async (_request, reply) => {
        ctx.metrics.jobs.reset();
        for (const { type, status, count } of await countJobs(ctx.db)) {
          ctx.metrics.jobs.set({ type, status }, count);
        }
        return reply.type(ctx.metrics.registry.contentType).send(await ctx.metrics.registry.metrics());
      },
    );
  };

/** The parts as they were at most a second ago: whoever asks more often costs nothing. */
function createCheck(ctx: Context): () => ReturnType<typeof checkParts> {
  let last: { checkedAt: number; parts: ReturnType<typeof checkParts> } | null = null;
  return () => {
    const now = performance.now();
    if (last === null || now - last.checkedAt > FRESH_MS) last = { checkedAt: now, parts: checkParts(ctx) };
    return last.parts;
  };
}

async function checkParts(ctx: Context): Promise<z.infer<typeof healthSchema>> {
  const parts = {
    database: await probePart(() => ctx.db.execute(sql`select 1`)),
    storage: await probePart(() => ctx.storage.write('health/probe', Readable.from(['ok']))),
  };
  const isOk = Object.values(parts).every(({ status }) => status === 'ok');
  return { status: isOk ? 'ok' : 'unavailable', parts };
}

async function probePart(probe: () => Promise<unknown>): Promise<z.infer<typeof partSchema>> {
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'failed'>((resolve) => {
    timer = setTimeout(() => resolve('failed'), CHECK_TIMEOUT_MS);
  });
  const answered = probe().then(
    () => 'ok' as const,
    () => 'failed' as const,
  );
  const status = await Promise.race([answered, late]);
  clearTimeout(timer);
  return { status, milliseconds: Math.round((performance.now() - startedAt) * 10) / 10 };
}

/** With `METRICS_TOKEN` its bearer; without, everybody on a server that only this machine can reach. */
function operatorsOnly(ctx: Pick<Context, 'config'>) {
  const { metricsToken, host } = ctx.config.http;
  return async (request: FastifyRequest): Promise<void> => {
    if (metricsToken === null) {
      if (isLoopback(host)) return;
      throw new AppError(
        'unauthenticated',
        'Set METRICS_TOKEN to read this on a server that is not on loopback.',
      );
    }
    const given = Buffer.from(sha256Hex(bearerToken(request) ?? ''));
    if (!timingSafeEqual(given, Buffer.from(sha256Hex(metricsToken)))) {
      throw new AppError('unauthenticated', 'This needs the METRICS_TOKEN as a bearer token.');
    }
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || (ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback');
}
