import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { type ProjectScope, type UserCaller, mintProjectScope } from '#platform/scope.js';
import { canAccessProject } from './can-access-project.js';
import { keyMay, outOfScope } from './key-scopes.js';
import type { Permission } from './permissions.js';

/**
 * Mints the scope that every query of a project demands.
 * @throws AppError `not_found` for a malformed, unknown or foreign id alike, `forbidden` for a member whose role
 * or whose
 * key's scopes are too low
 */
export async function authorizeProject(
  ctx: Pick<Context, 'db'>,
  caller: UserCaller,
  projectId: string,
  permission: Permission,
): Promise<ProjectScope> {
  const { role, isAllowed } = await canAccessProject(ctx, caller, projectId, permission);
  if (role === null) throw new AppError('not_found', 'There is no such project.');
  const { apiKey } = caller.actor;
  if (apiKey !== null && !keyMay(apiKey, permission)) throw outOfScope(apiKey);
  if (!isAllowed) {
    throw new AppError('forbidden', `Your role in this project is ${role}, which does not allow this.`);
  }
  return mintProjectScope(caller, projectId, role);
}
