import type { FastifyInstance } from 'fastify';
import type { Context } from '../context.js';
import { scopeOrNull, userOrNull } from './caller.js';

/** One line and one observation per request, by route pattern: neither holds a path's ids or a query. */
export function logRequests(server: FastifyInstance, ctx: Pick<Context, 'log' | 'metrics'>): void {
  server.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    const labels = { method: request.method, route, status: String(reply.statusCode) };
    ctx.metrics.httpSeconds.observe(labels, reply.elapsedTime / 1000);
    if (route.startsWith('/health') || route === '/metrics') return;
    ctx.log.info(
      {
        requestId: request.id,
        method: request.method,
        route,
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime * 10) / 10,
        actor: userOrNull(request)?.actor.userId ?? null,
        project: scopeOrNull(request)?.projectId ?? null,
      },
      'request',
    );
  });
}
