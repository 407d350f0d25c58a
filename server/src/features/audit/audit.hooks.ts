import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { anonymousCaller, scopeOrNull, userOrNull } from '#platform/http/caller.js';
import { expectedError } from '#platform/http/expected-error.js';
import type { RateLimits } from '#platform/http/rate-limit.js';
import { describeRefusal } from './describe-refusal.js';
import { type RefusalLimits, createRefusalLimits, recordRefusal } from './record-refusal.js';

/** More than wait to be written at once are dropped: the database is slow or away. */
const MAX_WAITING = 100;

type RefusalContext = Pick<Context, 'db' | 'limiter' | 'metrics' | 'log'>;

const waitingOf = new WeakMap<FastifyInstance, Set<Promise<void>>>();

/**
 * Notes refused requests in the audit log once their answers are out: none waits for it, and none fails with it. Must
 * be called before any route is added.
 */
export function noteRefusals(server: FastifyInstance, ctx: RefusalContext, limits: RateLimits): void {
  const refusalLimits = createRefusalLimits(ctx.limiter);
  const isSecret = rememberSecretRoutes(server, limits);
  const waiting = new Set<Promise<void>>();
  waitingOf.set(server, waiting);
  server.addHook('onError', async (request, reply, error) => {
    const expected = expectedError(error);
    if (!(expected instanceof AppError)) return;
    const refusal = describeRefusal({
      code: expected.code,
      method: request.method,
      route: routeOf(request.routeOptions.url),
      params: request.params,
      query: request.query,
      body: request.body,
      hasCredential: request.headers.authorization !== undefined,
      needsBearer: (request.routeOptions.schema?.security ?? []).length > 0,
      isSecret: isSecret(request),
      isInProject: scopeOrNull(request) !== null,
    });
    if (refusal === null) return;
    const { auditRefusals } = ctx.metrics;
    if (waiting.size >= MAX_WAITING) return auditRefusals.inc({ outcome: 'dropped' });
    const caller = userOrNull(request) ?? anonymousCaller(request);
    const write = async () => {
      await answered(reply);
      auditRefusals.inc({ outcome: await recordSafely(ctx, refusalLimits, caller, refusal) });
    };
    const written = write().finally(() => waiting.delete(written));
    waiting.add(written);
  });
  server.addHook('onClose', () => refusalsWritten(server));
}

/** Resolves when what was refused so far is noted. */
export async function refusalsWritten(server: FastifyInstance): Promise<void> {
  await Promise.all(waitingOf.get(server) ?? new Set<Promise<void>>());
}

async function recordSafely(
  ctx: RefusalContext,
  limits: RefusalLimits,
  ...[caller, refusal]: [Parameters<typeof recordRefusal>[2], Parameters<typeof recordRefusal>[3]]
): Promise<'written' | 'dropped' | 'failed'> {
  try {
    return await recordRefusal(ctx, limits, caller, refusal);
  } catch (error) {
    ctx.log.debug({ err: error, requestId: caller.requestId }, 'a refusal could not be noted');
    return 'failed';
  }
}

/** Whether the answer went out or its reader left: in either case nobody waits any more. */
function answered({ raw }: FastifyReply): Promise<void> {
  return raw.closed ? Promise.resolve() : new Promise((resolve) => raw.once('close', resolve));
}

/** Those with the tight limit of routes that compare a secret. */
function rememberSecretRoutes(
  server: FastifyInstance,
  limits: RateLimits,
): (request: FastifyRequest) => boolean {
  const routes = new Set<string>();
  server.addHook('onRoute', ({ method, url, onRequest }: RouteOptions) => {
    if (![onRequest].flat().some((hook) => hook === limits.secrets)) return;
    for (const name of [method].flat()) routes.add(`${name} ${url}`);
  });
  return ({ method, routeOptions }) => routes.has(`${method} ${routeOptions.url ?? ''}`);
}

/** `/v1/projects/:projectId` as the OpenAPI document writes it. */
function routeOf(url: string | undefined): string {
  return (url ?? 'unknown').replace(/:(\w+)/g, '{$1}');
}
