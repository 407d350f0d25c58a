import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { AppError, type FieldError } from '#kernel/app-error.js';
import type { Context } from '../context.js';
import { expectedError } from './expected-error.js';
import { PROBLEM_MEDIA_TYPE, problemOf } from './problem.js';

const UNAVAILABLE_RETRY_SECONDS = 5;

/** Turns every failure into a problem document; unexpected ones are logged with stack and cause. */
export function setErrorHandlers(server: FastifyInstance, ctx: Pick<Context, 'log' | 'metrics'>): void {
  server.setErrorHandler((error, request, reply) => sendProblem(ctx, error, request, reply));
  server.setNotFoundHandler((request, reply) =>
    sendProblem(ctx, notFound(request, allowedMethods(server, request)), request, reply),
  );
}

/** Methods that the path of a request answers to, as its most literal route has them. */
function allowedMethods(server: FastifyInstance, request: FastifyRequest): string[] {
  const path = request.url.split('?')[0] ?? '/';
  const matching = (routePatterns.get(server) ?? []).filter(({ matches }) => matches.test(path));
  const fewest = Math.min(...matching.map(({ parameterCount }) => parameterCount));
  const methods = matching.filter(({ parameterCount }) => parameterCount === fewest);
  return [...new Set(methods.map(({ method }) => method))];
}

interface RoutePattern {
  method: string;
  matches: RegExp;
  parameterCount: number;
}

const routePatterns = new WeakMap<FastifyInstance, RoutePattern[]>();

/** Remembers the routes as they are added, so that a wrong method gets 405 with `Allow` instead of 404. */
export function rememberRoutes(server: FastifyInstance): void {
  const patterns: RoutePattern[] = [];
  routePatterns.set(server, patterns);
  server.addHook('onRoute', ({ method, url, schema }) => {
    if (url.includes('*') || schema?.hide === true) return;
    const source = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[^/]+/g, '[^/]+');
    const matches = new RegExp(`^${source}/?$`);
    const parameterCount = url.split(':').length - 1;
    for (const name of [method].flat()) patterns.push({ method: name, matches, parameterCount });
  });
}

function notFound(request: FastifyRequest, allowed: string[]): AppError {
  if (allowed.length === 0) return new AppError('not_found', 'There is nothing at this address.');
  return new AppError(
    'method_not_allowed',
    `${request.method} is not possible here; ${allowed.join(', ')} is.`,
    {
      errors: allowed.map((method) => ({ path: 'method', message: method })),
    },
  );
}

function sendProblem(
  ctx: Pick<Context, 'log' | 'metrics'>,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const expected = toAppError(error);
  const problem = problemOf(expected, request.id);
  const route = request.routeOptions.url ?? 'unknown';
  const { code } = problem;
  ctx.metrics.httpErrors.inc({ route, code });
  if (expected.cause !== undefined || !(expected instanceof AppError)) {
    const err = expected instanceof AppError ? expected.cause : error;
    const fields = { err, requestId: request.id, route, code };
    if (!(expected instanceof AppError)) ctx.log.error(fields, 'request failed');
    else if (problem.status >= 500) ctx.log.warn(fields, 'request failed');
    else ctx.log.debug(fields, 'request refused');
  }
  if (expected instanceof AppError) setHeaders(expected, reply);
  passOverBody(request);
  return reply.status(problem.status).type(PROBLEM_MEDIA_TYPE).serializer(JSON.stringify).send(problem);
}

/** What nobody reads of an upload would stand in the way of the next request on its connection, for ever. */
function passOverBody({ raw }: FastifyRequest): void {
  if (raw.complete) return;
  raw.unpipe();
  raw.resume();
}

function setHeaders(error: AppError, reply: FastifyReply): void {
  const seconds =
    error.retryAfterSeconds ?? (error.code === 'unavailable' ? UNAVAILABLE_RETRY_SECONDS : null);
  if (seconds !== null) reply.header('retry-after', String(Math.ceil(seconds)));
  if (['unauthenticated', 'token_expired'].includes(error.code)) reply.header('www-authenticate', 'Bearer');
  if (error.code === 'method_not_allowed')
    reply.header('allow', error.errors.map(({ message }) => message).join(', '));
}

function toAppError(error: unknown): Error {
  if (hasZodFastifySchemaValidationErrors(error)) return validationError(error.validation);
  const expected = expectedError(error);
  return !(expected instanceof AppError) && isFastifyError(expected) ? fromFastify(expected) : expected;
}

function validationError(issues: { instancePath: string; message?: string }[]): AppError {
  const errors = issues.map((issue): FieldError => ({
    path: issue.instancePath.replace(/^\//, '').replaceAll('/', '.'),
    message: issue.message ?? 'is invalid',
  }));
  const first = errors[0];
  const where = first === undefined || first.path === '' ? '' : `${first.path}: `;
  return new AppError(
    'validation_failed',
    `The request is not valid. ${where}${first?.message ?? ''}`.trim(),
    {
      errors,
    },
  );
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number';
}

/** What the framework itself refuses: bodies that do not parse, are too large or of the wrong type. */
function fromFastify(error: FastifyError): Error {
  const status = error.statusCode ?? 500;
  if (status === 408) return new AppError('request_timeout', 'The request took too long to arrive.');
  if (status === 413)
    return new AppError('payload_too_large', 'The request body is larger than this route takes.');
  if (status === 415) {
    return new AppError('unsupported_media_type', 'This route does not take a body of this Content-Type.');
  }
  return status < 500 ? new AppError('malformed', malformedDetail(error)) : error;
}

function malformedDetail(error: FastifyError): string {
  if (error instanceof SyntaxError || error.code === 'FST_ERR_CTP_INVALID_JSON_BODY')
    return 'The body is not valid JSON.';
  if (error.code === 'FST_ERR_CTP_EMPTY_JSON_BODY')
    return 'The body is empty; this route takes a JSON object.';
  return 'The request is malformed.';
}
