import { AppError } from '#kernel/app-error.js';
import { sha256Hex } from '#kernel/hash.js';
import type { Context } from '#platform/context.js';
import { type UserCaller, mintProjectScope } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { findInvitationByTokenOrNull, updateInvitationAccepted } from './invitations.queries.js';
import {
  type MemberRow,
  type ProjectRow,
  findMember,
  insertMember,
  lockProject,
  lockUserOrNull,
  updateEmailVerified,
} from './members.queries.js';

const NO_INVITATION =
  'There is no such invitation for your account. It may have expired, been used, withdrawn or sent anew, or be meant for another address.';

/**
 * Makes the caller a member by the token that was mailed to its address, once. Holding the token proves the address.
 * A token that is unknown, used, withdrawn, expired or meant for another address is one and the same `not_found`.
 * @throws AppError `not_found`, `conflict` for a member
 */
export function acceptInvitation(
  ctx: Pick<Context, 'db' | 'clock' | 'afterCommit'>,
  caller: UserCaller,
  token: string,
): Promise<{ member: MemberRow; project: ProjectRow }> {
  return inTransaction(ctx, async (tx) => {
    const now = tx.clock.now();
    const tokenHash = sha256Hex(token);
    const user = await lockUserOrNull(tx.db, caller.actor.userId);
    const offered = await findInvitationByTokenOrNull(tx.db, tokenHash, now);
    if (user === null || offered?.email !== user.email) throw new AppError('not_found', NO_INVITATION);
    const scope = mintProjectScope(caller, offered.projectId, null);
    const project = await lockProject(tx.db, scope);
    // What was read before the lock may have been used, withdrawn or renewed meanwhile.
    const invitation = await updateInvitationAccepted(tx.db, scope, tokenHash, now);
    if (invitation === null) throw new AppError('not_found', NO_INVITATION);
    const { role } = invitation;
    if (!(await insertMember(tx.db, scope, { userId: user.id, role }))) {
      throw new AppError('conflict', 'You are a member of this project already.');
    }
    await updateEmailVerified(tx.db, user.id, now);
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'member.accept',
      resourceType: 'member',
      resourceId: user.id,
      changes: { invitationId: invitation.id, role },
    });
    return { member: await findMember(tx.db, scope, user.id), project };
  });
}
