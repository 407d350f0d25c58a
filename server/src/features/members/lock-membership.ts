import type { Context } from '#platform/context.js';
import type { ProjectScope, UserCaller } from '#platform/scope.js';
import { authorizeProject } from '#features/projects/authorize-project.js';
import type { Permission } from '#features/projects/permissions.js';
import { type ProjectRow, lockProject } from './members.queries.js';

/**
 * Locks who is a member of a project until the transaction ends, and asks once more whether the caller may do this:
 * an act that was quicker may have taken its role.
 * @throws AppError `not_found`, `forbidden`
 */
export async function lockMembership(
  tx: Pick<Context, 'db'>,
  scope: ProjectScope,
  permission: Permission,
): Promise<{ project: ProjectRow; caller: UserCaller }> {
  const { actor } = scope;
  if (actor.type !== 'user') throw new Error('only users change who is a member');
  const caller = { ...scope, actor };
  const project = await lockProject(tx.db, scope);
  await authorizeProject(tx, caller, scope.projectId, permission);
  return { project, caller };
}
