import type { Context } from '#platform/context.js';
import { systemCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { lockActiveAdmins } from '#features/auth/lock-active-admins.js';
import { type UserRow, lockUserByEmailOrNull, updateUserRow } from './users.queries.js';

export interface AdminRoleChange {
  before: UserRow['role'];
  isSuspended: boolean;
  /** How many admins there are now who are not suspended. */
  activeAdmins: number;
}

/**
 * Makes an account an admin, or an ordinary one again, by order of whoever runs the server.
 * @param change.email in its stored form
 * @returns null for an unknown address
 */
export function changeAdminRole(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  change: { email: string; role: UserRow['role'] },
): Promise<AdminRoleChange | null> {
  const { email, role } = change;
  return inTransaction(ctx, async (tx) => {
    await lockActiveAdmins(tx);
    const user = await lockUserByEmailOrNull(tx.db, email);
    if (user === null) return null;
    if (user.role !== role) {
      await updateUserRow(tx.db, user.id, { role });
      await recordAudit(tx, systemCaller, {
        projectId: null,
        action: role === 'admin' ? 'user.grant_admin' : 'user.revoke_admin',
        resourceType: 'user',
        resourceId: user.id,
        changes: { role: { before: user.role, after: role } },
      });
    }
    const activeAdmins = (await lockActiveAdmins(tx)).length;
    return { before: user.role, isSuspended: user.suspendedAt !== null, activeAdmins };
  });
}
