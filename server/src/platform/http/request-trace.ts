import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type OpenSpan, openSpan } from '../tracing.js';

const FIRST_SERVER_ERROR = 500;

const spans = new WeakMap<FastifyRequest, OpenSpan>();

/**
 * Runs each request in the trace that its `traceparent` names, or in a new one (W3C Trace Context). Its span knows the
 * route by its pattern. What asks whether the process lives, and how it is, has none.
 */
export function traceRequests(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => {
    if (isOperational(request)) {
      done();
      return;
    }
    const span = openSpan(spanOf(request));
    spans.set(request, span);
    reply.raw.once('close', () => {
      const status = reply.raw.statusCode;
      span.set({ 'http.response.status_code': status });
      span.end(status >= FIRST_SERVER_ERROR ? String(status) : null);
    });
    span.run(() => done());
  });
}

/** Runs `act` in the trace of a request: for what an event of its connection has called. */
export function runInTrace<T>(request: FastifyRequest, act: () => T): T {
  const span = spans.get(request);
  return span === undefined ? act() : span.run(act);
}

/** Health checks and scrapes come every few seconds and would bury what people do. */
export function isOperational(request: FastifyRequest): boolean {
  const route = request.routeOptions.url;
  return route === '/metrics' || (route?.startsWith('/health') ?? false);
}

function spanOf(request: FastifyRequest): Parameters<typeof openSpan>[0] {
  const { method, headers } = request;
  const route = request.routeOptions.url;
  const { traceparent, tracestate } = headers as Record<string, string | undefined>;
  return {
    name: route === undefined ? method : `${method} ${route}`,
    kind: 'server',
    attributes: {
      'http.request.method': method,
      ...(route === undefined ? {} : { 'http.route': route }),
    },
    parent: { traceparent, tracestate },
  };
}
