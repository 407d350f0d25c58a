import type { FastifyRequest } from 'fastify';
import type { Context } from '#platform/context.js';
import { callerOf } from '#platform/http/caller.js';
import { requireProject } from '#features/projects/projects.hooks.js';
import { isOwnId } from './is-own-id.js';

/** Route hook: whoever may remove the member of the path. Every member may remove itself. */
export function requireRemoval(ctx: Pick<Context, 'db'>) {
  const leaves = requireProject(ctx, 'members:leave');
  const removes = requireProject(ctx, 'members:write');
  return (request: FastifyRequest): Promise<void> => {
    const { userId } = request.params as { userId: string };
    return isOwnId(callerOf(request), userId) ? leaves(request) : removes(request);
  };
}
