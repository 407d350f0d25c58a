import type { FastifyRequest } from 'fastify';
import type { Context } from '#platform/context.js';
import { callerOf } from '#platform/http/caller.js';
import { requireUser } from '#features/auth/auth.hooks.js';
import { authorizeProject } from '#features/projects/authorize-project.js';
import { outOfScope } from '#features/projects/key-scopes.js';
import { requireKeyScope } from '#features/projects/projects.hooks.js';
import type { Metered } from '#features/usage/read-usage.js';

/** Route hooks of what is used and paid: a user, or a key that may do all that its user may. */
export function requireBillingReader(ctx: Pick<Context, 'config' | 'clock' | 'db' | 'log'>) {
  return [requireUser(ctx), requireKeyScope('billing:read')];
}

/**
 * Whose usage a request asks for, and may see: the caller's own account, or a project as one of its owners.
 * @throws AppError `not_found`, `forbidden`
 */
export async function authorizeMetered(
  ctx: Pick<Context, 'db'>,
  request: FastifyRequest,
  projectId: string | undefined,
): Promise<Metered> {
  const caller = callerOf(request);
  if (projectId !== undefined) {
    return { type: 'project', scope: await authorizeProject(ctx, caller, projectId, 'billing:read') };
  }
  return { type: 'account', userId: accountOf(request) };
}

/** The caller's account, for a key of all its projects too. @throws AppError `forbidden` for a key of one project */
export function accountOf(request: FastifyRequest): string {
  const { userId, apiKey } = callerOf(request).actor;
  if (apiKey !== null && apiKey.projectId !== null) throw outOfScope(apiKey);
  return userId;
}
