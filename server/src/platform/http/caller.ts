import type { FastifyRequest } from 'fastify';
import { AppError } from '#kernel/app-error.js';
import type { Caller, ProjectScope, SessionCaller, UserCaller } from '../scope.js';

const MAX_USER_AGENT_LENGTH = 300;

const users = new WeakMap<FastifyRequest, UserCaller>();
const scopes = new WeakMap<FastifyRequest, ProjectScope>();

/** Where a request comes from, before anybody has looked at its credentials. */
export function anonymousCaller(request: FastifyRequest): Caller {
  return {
    actor: { type: 'visitor' },
    ip: request.ip,
    userAgent: request.headers['user-agent']?.slice(0, MAX_USER_AGENT_LENGTH) ?? null,
    requestId: request.id,
  };
}

export function setUser(request: FastifyRequest, caller: UserCaller): void {
  users.set(request, caller);
}

/** The user that the route's authentication hook found, or its key; a route without that hook is a bug. */
export function callerOf(request: FastifyRequest): UserCaller {
  const caller = users.get(request);
  if (caller === undefined) throw new Error('the route has no authentication hook');
  return caller;
}

/**
 * The signed-in user of a route that is about the account. Keys stop here even where the route's author did not think
 * of them: a leaked key must not change passwords or make more keys.
 * @throws AppError `forbidden` for an API key
 */
export function userOf(request: FastifyRequest): SessionCaller {
  const { actor, ...from } = callerOf(request);
  if (actor.apiKey === null) return { ...from, actor };
  throw new AppError('forbidden', 'This needs an access token: an API key cannot do it. Please sign in.');
}

export function userOrNull(request: FastifyRequest): UserCaller | null {
  return users.get(request) ?? null;
}

export function setScope(request: FastifyRequest, scope: ProjectScope): void {
  scopes.set(request, scope);
}

/** The project scope that the route's authorization hook minted; a route without that hook is a bug. */
export function scopeOf(request: FastifyRequest): ProjectScope {
  const scope = scopes.get(request);
  if (scope === undefined) throw new Error('the route has no authorization hook');
  return scope;
}

export function scopeOrNull(request: FastifyRequest): ProjectScope | null {
  return scopes.get(request) ?? null;
}

/** The token of `Authorization: Bearer …`, or null. It is the one place where credentials are read from. */
export function bearerToken(request: FastifyRequest): string | null {
  const match = /^Bearer ([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(request.headers.authorization ?? '');
  return match?.[1] ?? null;
}

/** Node keeps the first of several `Authorization` headers, a proxy may have judged by the last: nobody can tell whose it is. */
export function hasSeveralCredentials({ raw }: FastifyRequest): boolean {
  const names = raw.rawHeaders.filter((_text, index) => index % 2 === 0);
  return names.filter((name) => name.toLowerCase() === 'authorization').length > 1;
}
