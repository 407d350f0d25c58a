import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import {
  type InvitationRow,
  countInvitations,
  findInvitationByEmailOrNull,
  insertInvitation,
  updateInvitation,
} from './invitations.queries.js';
import { issueToken } from './issue-token.js';
import { lockMembership } from './lock-membership.js';
import { mailInvitation } from './mail-invitation.js';
import { maskEmail } from '#features/audit/mask-changes.js';
import { findMemberByEmailOrNull } from './members.queries.js';
import type { InviteMemberInput } from './members.schemas.js';

/** Each is a mail to somebody who did not ask for it. */
const MAX_INVITATIONS = 100;

/**
 * Invites an address by mail. One that is invited already gets a new token, which makes the old one worthless, and
 * the new role. Nothing here depends on whether the address has an account.
 * @throws AppError `conflict` for a member's address, and when the project has as many invitations as it may
 */
export function inviteMember(
  ctx: Pick<Context, 'db' | 'clock' | 'config' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  { email, role }: InviteMemberInput,
): Promise<InvitationRow> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const { project, caller } = await lockMembership(tx, scope, 'members:write');
    if ((await findMemberByEmailOrNull(tx.db, scope, email)) !== null) {
      throw new AppError('conflict', 'This address is that of a member already. Change its role instead.');
    }
    const earlier = await findInvitationByEmailOrNull(tx.db, scope, email);
    if (earlier === null && (await countInvitations(tx.db, scope)) >= MAX_INVITATIONS) {
      throw new AppError(
        'conflict',
        `A project can have ${MAX_INVITATIONS} open invitations. Withdraw one first.`,
      );
    }
    const { token, renewal } = issueToken(tx);
    const offer = { role, invitedBy: caller.actor.userId, ...renewal };
    const invitation =
      earlier === null
        ? await insertInvitation(tx.db, scope, { id: newId(), email, ...offer })
        : await updateInvitation(tx.db, scope, earlier.id, offer);
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'member.invite',
      resourceType: 'invitation',
      resourceId: invitation.id,
      changes: {
        email: maskEmail(email),
        role: earlier === null ? role : { before: earlier.role, after: role },
      },
    });
    const senderId = caller.actor.userId;
    await mailInvitation(tx, scope, { invitation, token, project, senderId });
    return invitation;
  });
}
