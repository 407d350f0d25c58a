import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '../context.js';

/** Register and login allow this part of what an address may ask in all. */
const SECRET_ROUTES_PART = 5;

type RequestHook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

export interface RateLimits {
  /** Counts every request, by user where a valid token came with it, else by address. */
  all: RequestHook;
  /** For routes that compare a secret: counts by address and route, on top of `all`. */
  secrets: RequestHook;
}

/**
 * Fixed windows in this process's memory.
 * @param identify the user whose validly signed token came with a request, or null
 */
export function createRateLimits(
  ctx: Pick<Context, 'config'>,
  identify: (request: FastifyRequest) => Promise<string | null>,
): RateLimits {
  const { perAddress, perUser, windowMs } = ctx.config.rateLimit;
  const duration = windowMs / 1000;
  const addresses = new RateLimiterMemory({ keyPrefix: 'address', points: perAddress, duration });
  const users = new RateLimiterMemory({ keyPrefix: 'user', points: perUser, duration });
  const secretPoints = Math.max(1, Math.floor(perAddress / SECRET_ROUTES_PART));
  const secrets = new RateLimiterMemory({ keyPrefix: 'secret', points: secretPoints, duration });
  return {
    all: async (request, reply) => {
      const userId = await identify(request);
      await (userId === null
        ? consume(addresses, request.ip, windowMs, reply)
        : consume(users, userId, windowMs, reply));
    },
    secrets: (request, reply) =>
      consume(secrets, `${request.routeOptions.url ?? ''} ${request.ip}`, windowMs, reply),
  };
}

/**
 * Applies `limits.all` to every route under `/v1`, and to addresses that lead nowhere. It goes by the route and not
 * by the address as it was sent, which may write `/v1` as `/%761`.
 */
export function limitRequests(server: FastifyInstance, limits: RateLimits): void {
  server.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.url?.startsWith('/v1') ?? true) await limits.all(request, reply);
  });
}

async function consume(
  limiter: RateLimiterMemory,
  key: string,
  windowMs: number,
  reply: FastifyReply,
): Promise<void> {
  try {
    setHeaders(reply, limiter, await limiter.consume(key), windowMs);
  } catch (exceeded) {
    if (!(exceeded instanceof RateLimiterRes)) throw exceeded;
    setHeaders(reply, limiter, exceeded, windowMs);
    // CORS comes later, and a page should be able to read when it may try again.
    reply.header('access-control-allow-origin', '*');
    const seconds = Math.max(1, Math.ceil(exceeded.msBeforeNext / 1000));
    throw new AppError('rate_limited', `Too many requests. Please try again in ${seconds} s.`, {
      retryAfterSeconds: seconds,
    });
  }
}

/** The IETF draft's `RateLimit` fields, and the older `X-RateLimit-*`. */
function setHeaders(
  reply: FastifyReply,
  limiter: RateLimiterMemory,
  state: RateLimiterRes,
  windowMs: number,
): void {
  const resetSeconds = Math.max(1, Math.ceil(state.msBeforeNext / 1000));
  const remaining = Math.max(0, state.remainingPoints);
  reply.headers({
    'ratelimit-policy': `"default";q=${limiter.points};w=${Math.ceil(windowMs / 1000)}`,
    ratelimit: `"default";r=${remaining};t=${resetSeconds}`,
    'x-ratelimit-limit': String(limiter.points),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(resetSeconds),
  });
}
