import type { FastifyRequest } from 'fastify';
import type { Caller, ProjectScope, UserCaller } from '../scope.js';

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

/** The user that the route's authentication hook found; a route without that hook is a bug. */
export function userOf(request: FastifyRequest): UserCaller {
  const caller = users.get(request);
  if (caller === undefined) throw new Error('the route has no authentication hook');
  return caller;
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

/** The token of `Authorization: Bearer …`, or null. */
export function bearerToken(request: FastifyRequest): string | null {
  const match = /^Bearer ([A-Za-z0-9._~+/=-]{1,4096})$/i.exec(request.headers.authorization ?? '');
  return match?.[1] ?? null;
}
