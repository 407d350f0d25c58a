import { isId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { MemberRole, UserCaller } from '#platform/scope.js';
import { type Permission, roleMay } from './permissions.js';
import { findMemberRoleOrNull } from './projects.queries.js';

export interface ProjectAccess {
  /** Null: no member, or no such project. */
  role: MemberRole | null;
  isAllowed: boolean;
}

/** What a user may do with a project: its role there, and whether that carries `permission`. */
export async function canAccessProject(
  ctx: Pick<Context, 'db'>,
  caller: UserCaller,
  projectId: string,
  permission: Permission,
): Promise<ProjectAccess> {
  const role = isId(projectId) ? await findMemberRoleOrNull(ctx.db, projectId, caller.actor.userId) : null;
  return { role, isAllowed: role !== null && roleMay(role, permission) };
}
