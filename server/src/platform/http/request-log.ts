import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context.js';
import { scopeOrNull, userOrNull } from './caller.js';
import { isOperational, runInTrace } from './request-trace.js';

/** What nginx writes for a client that left before its answer began; it is never sent. */
const CLIENT_LEFT = 499;

/** One line and one observation per request, by route pattern: neither holds a path's ids or a query. */
export function logRequests(server: FastifyInstance, ctx: Pick<Context, 'log' | 'metrics'>): void {
  const { httpInProgress } = ctx.metrics;
  const answered = new WeakSet<FastifyRequest>();
  server.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    const labels = { route: routeOf(request) };
    httpInProgress.inc(labels);
    reply.raw.once('close', () => {
      httpInProgress.dec(labels);
      // Who leaves before the end of an answer leaves no `onResponse` behind.
      if (!answered.has(request)) recordRequest(ctx, request, reply, true);
    });
  });
  server.addHook('onResponse', async (request, reply) => {
    answered.add(request);
    recordRequest(ctx, request, reply, false);
  });
}

function recordRequest(
  ctx: Pick<Context, 'log' | 'metrics'>,
  request: FastifyRequest,
  reply: FastifyReply,
  isAborted: boolean,
): void {
  const { method } = request;
  const route = routeOf(request);
  const status = isAborted && !reply.raw.headersSent ? CLIENT_LEFT : reply.statusCode;
  ctx.metrics.httpSeconds.observe({ method, route, status: String(status) }, reply.elapsedTime / 1000);
  if (isOperational(request)) return;
  const fields = {
    requestId: request.id,
    method,
    route,
    status,
    milliseconds: Math.round(reply.elapsedTime * 10) / 10,
    actor: userOrNull(request)?.actor.userId ?? null,
    apiKeyId: userOrNull(request)?.actor.apiKey?.id ?? null,
    project: scopeOrNull(request)?.projectId ?? null,
    ...(isAborted ? { aborted: true } : {}),
  };
  runInTrace(request, () => ctx.log.info(fields, 'request'));
}

function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unknown';
}
