import type { FastifyInstance } from 'fastify';
import { AppError } from '#kernel/app-error.js';

const RETRY_SECONDS = 5;

export interface DrainState {
  /** Set once, when the process was told to stop. */
  isDraining: boolean;
}

/**
 * While the process drains, new requests get 503 with `Retry-After` and their connection is closed after the answer,
 * so that the client takes another one. Only the process's own signs of life answer on.
 */
export function refuseWhileDraining(server: FastifyInstance, state: DrainState): void {
  server.addHook('onRequest', async (request, reply) => {
    if (!state.isDraining) return;
    reply.header('connection', 'close');
    const route = request.routeOptions.url;
    if (route === '/health/live' || route === '/metrics') return;
    throw new AppError('unavailable', 'This server is about to stop. Please try again.', {
      retryAfterSeconds: RETRY_SECONDS,
    });
  });
}
