import type { FastifyRequest } from 'fastify';
import type { Context } from '#platform/context.js';
import { anonymousCaller, callerOf, setScope, userOrNull } from '#platform/http/caller.js';
import { authorizeProject } from './authorize-project.js';
import { authorizeVisitor } from './authorize-visitor.js';
import { type KeyPermission, keyMay, outOfScope } from './key-scopes.js';
import type { Permission } from './permissions.js';

/** Route hook: the authenticated user may do this in the project of the path. */
export function requireProject(ctx: Pick<Context, 'db'>, permission: Permission) {
  return async (request: FastifyRequest): Promise<void> => {
    setScope(request, await authorizeProject(ctx, callerOf(request), projectIdOf(request), permission));
  };
}

/** Route hook: a member who may do this, or, without credentials, a visitor of a public project. */
export function requireProjectOrVisitor(ctx: Pick<Context, 'db'>, permission: Permission) {
  return async (request: FastifyRequest): Promise<void> => {
    const user = userOrNull(request);
    const scope =
      user === null
        ? await authorizeVisitor(
            ctx,
            anonymousCaller(request),
            projectIdOf(request),
            request.headers.origin ?? null,
          )
        : await authorizeProject(ctx, user, projectIdOf(request), permission);
    setScope(request, scope);
  };
}

/** Route hook for what a user may do outside a project: a key of theirs needs a scope that allows it. */
export function requireKeyScope(permission: KeyPermission) {
  return async (request: FastifyRequest): Promise<void> => {
    const { apiKey } = callerOf(request).actor;
    if (apiKey !== null && !keyMay(apiKey, permission)) throw outOfScope(apiKey);
  };
}

function projectIdOf(request: FastifyRequest): string {
  return (request.params as { projectId: string }).projectId;
}
