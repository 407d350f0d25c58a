import { isId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ApiKeyGrant, MemberRole, UserCaller } from '#platform/scope.js';
import { keyMay } from './key-scopes.js';
import { type Permission, roleMay } from './permissions.js';
import { findMemberRoleOrNull } from './projects.queries.js';

export interface ProjectAccess {
  /** Null: no member, no such project, or a key of another one. */
  role: MemberRole | null;
  isAllowed: boolean;
}

/**
 * What a user may do with a project: its present role there, and whether that carries `permission`. An API key may
 * what both its user's role and its own scopes allow.
 */
export async function canAccessProject(
  ctx: Pick<Context, 'db'>,
  caller: UserCaller,
  projectId: string,
  permission: Permission,
): Promise<ProjectAccess> {
  const { userId, apiKey } = caller.actor;
  const isInReach = isId(projectId) && (apiKey === null || reaches(apiKey, projectId));
  const role = isInReach ? await findMemberRoleOrNull(ctx.db, projectId, userId) : null;
  const isInScope = apiKey === null || keyMay(apiKey, permission);
  return { role, isAllowed: role !== null && isInScope && roleMay(role, permission) };
}

function reaches(apiKey: ApiKeyGrant, projectId: string): boolean {
  return apiKey.projectId === null || apiKey.projectId === projectId.toLowerCase();
}
