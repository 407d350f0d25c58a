import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '#kernel/app-error.js';

/**
 * Refuses bodies that nobody would look at: a form where JSON is asked for, which would count as no body at all, and
 * fields for a route that takes none. An empty object is let through, because many clients always send one.
 */
export function refuseUnaskedBodies(server: FastifyInstance): void {
  server.addHook('preParsing', async (request, _reply, payload) => {
    if (isForm(request) && !takesForms(request)) {
      throw new AppError('unsupported_media_type', 'This route does not take a form. Send JSON.');
    }
    return payload;
  });
  server.addHook('preValidation', async (request) => {
    if (request.routeOptions.schema?.body === undefined && hasFields(request.body)) {
      throw new AppError('validation_failed', 'This route takes no body. Send none.');
    }
  });
}

function isForm({ headers }: FastifyRequest): boolean {
  return /^\s*multipart\//i.test(headers['content-type'] ?? '');
}

function takesForms({ routeOptions, is404 }: FastifyRequest): boolean {
  return is404 || (routeOptions.schema?.consumes ?? []).some((type) => type.startsWith('multipart/'));
}

function hasFields(body: unknown): boolean {
  if (body === undefined || body === null) return false;
  return typeof body !== 'object' || Array.isArray(body) || Object.keys(body).length > 0;
}
