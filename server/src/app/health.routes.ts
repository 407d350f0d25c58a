import { timingSafeEqual } from 'node:crypto';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { AppError } from '#kernel/app-error.js';
import { sha256Hex } from '#kernel/hash.js';
import type { Context } from '#platform/context.js';
import { bearerToken } from '#platform/http/caller.js';
import { problems } from '#platform/http/schemas.js';
import { createHealthCheck } from './health-check.js';
import { createScrape } from './scrape-metrics.js';

const RETRY_SECONDS = 5;

const partSchema = z.object({
  status: z.enum(['ok', 'degraded', 'failed']),
  milliseconds: z.number(),
  detail: z.string().nullable(),
});
const healthSchema = z.object({
  status: z.enum(['ok', 'degraded', 'unavailable']),
  parts: z.object({
    database: partSchema,
    queue: partSchema,
    chat: partSchema,
    embeddings: partSchema,
    storage: partSchema,
    disk: partSchema,
  }),
});

export const healthRoutes =
  (ctx: Context): FastifyPluginAsyncZod =>
  async (server) => {
    const tags = ['Operation'];
    const health = createHealthCheck(ctx);
    const scrape = createScrape(ctx);

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
        if (await health.isReady()) return { status: 'ok' as const };
        throw new AppError(
          'unavailable',
          'The database, the file storage or the disk cannot be used at the moment.',
          { retryAfterSeconds: RETRY_SECONDS },
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
      () => health.look(),
    );

    server.get(
      '/metrics',
      { schema: { tags, summary: 'Metrics for Prometheus' }, onRequest: operatorsOnly(ctx) },
      async (_request, reply) => {
        const metrics = await scrape();
        return reply.type(ctx.metrics.registry.contentType).send(metrics);
      },
    );
  };

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
