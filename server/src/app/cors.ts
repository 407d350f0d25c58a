import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Context } from '#platform/context.js';
import { isVisitorOrigin } from '#features/projects/authorize-visitor.js';

const VISITOR_ROUTE =
  /^\/v1\/projects\/([^/?]+)\/(?:chat(?:\/|\?|$)|leads(?:\?|$)|conversations\/[^/?]+\/messages|messages\/[^/?]+\/feedback(?:\?|$))/;
const PREFLIGHT_SECONDS = 600;
const EXPOSED_HEADERS = [
  'x-request-id',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'idempotency-replayed',
];

/**
 * Who may call from a browser: the configured origins (with credentials) anywhere; on a visitor's routes also the
 * allowed origins of the project.
 */
export async function allowOrigins(
  server: FastifyInstance,
  ctx: Pick<Context, 'config' | 'db'>,
): Promise<void> {
  await server.register(cors, {
    hook: 'onRequest',
    delegator: async (request: FastifyRequest): Promise<FastifyCorsOptions> => {
      const shared = { exposedHeaders: EXPOSED_HEADERS, maxAge: PREFLIGHT_SECONDS, methods: METHODS };
      const { origin } = request.headers;
      if (origin === undefined) return { ...shared, origin: false };
      if (isOwnOrigin(ctx, request, origin)) return { ...shared, origin, credentials: true };
      return { ...shared, origin: (await isVisitorsOrigin(ctx, request, origin)) ? origin : false };
    },
  });
}

const METHODS = ['GET', 'POST', 'PATCH', 'DELETE'];

function isOwnOrigin(ctx: Pick<Context, 'config'>, request: FastifyRequest, origin: string): boolean {
  const { corsOrigins, publicUrl } = ctx.config.http;
  const own = publicUrl === null ? `${request.protocol}://${request.host}` : new URL(publicUrl).origin;
  return origin === own || corsOrigins.includes(origin);
}

async function isVisitorsOrigin(
  ctx: Pick<Context, 'db'>,
  request: FastifyRequest,
  origin: string,
): Promise<boolean> {
  const projectId = VISITOR_ROUTE.exec(request.url)?.[1];
  return projectId !== undefined && isVisitorOrigin(ctx, projectId, origin);
}
