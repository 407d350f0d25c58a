import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '#kernel/app-error.js';
import { userOrNull } from './caller.js';
import type { Context } from '../context.js';
import type { RateLimit, RateLimitState } from '../ports/rate-limiter.js';

/** Register and login allow this part of what an address may ask in all. */
const SECRET_ROUTES_PART = 5;
/** Keys that a process remembers to have let in. */
const MAX_PROVEN_KEYS = 10_000;

type RequestHook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** Who a request claims to come from, told without asking the database; `name` is its own among all. */
export type Claimant =
  /** A user, by a token whose signature is right. */
  | { type: 'user'; name: string }
  /** Something in the form of an API key, by its hash: it may be a guess. */
  | { type: 'api-key'; name: string };

export interface RateLimits {
  /** Counts every request, by user or API key where a valid one came with it, else by address. */
  all: RequestHook;
  /** Remembers the API key of a request that was let in. */
  prove: RequestHook;
  /** For routes that compare a secret: counts by address and route, on top of `all`. */
  secrets: RequestHook;
}

/**
 * Fixed windows, counted by `ctx.limiter` over as many processes as share it.
 *
 * An API key counts by its address until this process has let it in once: whoever guesses keys is stopped by the limit
 * of the address, before the database is asked about the guess.
 */
export function createRateLimits(
  ctx: Pick<Context, 'config' | 'limiter'>,
  identify: (request: FastifyRequest) => Promise<Claimant | null>,
): RateLimits {
  const { perAddress, perUser, windowMs } = ctx.config.rateLimit;
  const addresses = ctx.limiter.createLimit({ name: 'address', points: perAddress, windowMs });
  const users = ctx.limiter.createLimit({ name: 'user', points: perUser, windowMs });
  const secretPoints = Math.max(1, Math.floor(perAddress / SECRET_ROUTES_PART));
  const secrets = ctx.limiter.createLimit({ name: 'secret', points: secretPoints, windowMs });
  const provenKeys = new Set<string>();
  return {
    all: async (request, reply) => {
      const claimant = await identify(request);
      const isProven = claimant?.type === 'user' || (claimant !== null && provenKeys.has(claimant.name));
      await (claimant !== null && isProven
        ? consume(users, claimant.name, reply)
        : consume(addresses, request.ip, reply));
    },
    prove: async (request) => {
      if ((userOrNull(request)?.actor.apiKey ?? null) === null) return;
      const claimant = await identify(request);
      if (claimant !== null) rememberKey(provenKeys, claimant.name);
    },
    secrets: (request, reply) => consume(secrets, `${request.routeOptions.url ?? ''} ${request.ip}`, reply),
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
  server.addHook('preHandler', limits.prove);
}

/** The one that was let in longest ago makes place. */
function rememberKey(provenKeys: Set<string>, name: string): void {
  provenKeys.delete(name);
  provenKeys.add(name);
  const [oldest] = provenKeys;
  if (provenKeys.size > MAX_PROVEN_KEYS && oldest !== undefined) provenKeys.delete(oldest);
}

/**
 * Takes points of a limit that comes on top of `limits.all`, and adds it to the answer's headers under its own name.
 * @throws AppError `rate_limited`
 */
export async function consumeNamed(
  limit: RateLimit & { name: string },
  use: { key: string; cost: number },
  reply: FastifyReply,
): Promise<void> {
  const state = await limit.consume(use.key, use.cost);
  const join = (header: string, value: string) =>
    reply.header(header, [reply.getHeader(header), value].filter(Boolean).join(', '));
  join('ratelimit-policy', policyOf(limit.name, limit));
  join('ratelimit', stateOf(limit.name, state));
  if (!state.isAllowed) refuse(reply, state);
}

async function consume(limit: RateLimit, key: string, reply: FastifyReply): Promise<void> {
  const state = await limit.consume(key);
  setHeaders(reply, limit, state);
  if (!state.isAllowed) refuse(reply, state);
}

function refuse(reply: FastifyReply, state: RateLimitState): never {
  // CORS comes later, and a page should be able to read when it may try again.
  reply.header('access-control-allow-origin', '*');
  const seconds = secondsLeft(state);
  throw new AppError('rate_limited', `Too many requests. Please try again in ${seconds} s.`, {
    retryAfterSeconds: seconds,
  });
}

/** The IETF draft's `RateLimit` fields, and the older `X-RateLimit-*`. */
function setHeaders(reply: FastifyReply, limit: RateLimit, state: RateLimitState): void {
  const { points } = limit;
  reply.headers({
    'ratelimit-policy': policyOf('default', limit),
    ratelimit: stateOf('default', state),
    'x-ratelimit-limit': String(points),
    'x-ratelimit-remaining': String(state.remaining),
    'x-ratelimit-reset': String(secondsLeft(state)),
  });
}

function policyOf(name: string, { points, windowMs }: RateLimit): string {
  return `"${name}";q=${points};w=${Math.ceil(windowMs / 1000)}`;
}

function stateOf(name: string, state: RateLimitState): string {
  return `"${name}";r=${state.remaining};t=${secondsLeft(state)}`;
}

function secondsLeft({ msBeforeNext }: RateLimitState): number {
  return Math.max(1, Math.ceil(msBeforeNext / 1000));
}
