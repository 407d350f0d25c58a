import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { type InvitationRow, updateInvitation } from './invitations.queries.js';
import { issueToken } from './issue-token.js';
import { lockMembership } from './lock-membership.js';
import { mailInvitation } from './mail-invitation.js';
import { maskEmail } from '#features/audit/mask-changes.js';

/**
 * Mails an open invitation again, with a new token and its time from now on; the old token is worthless.
 * @throws AppError `not_found`
 */
export function resendInvitation(
  ctx: Pick<Context, 'db' | 'clock' | 'config' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  invitationId: string,
): Promise<InvitationRow> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const { project, caller } = await lockMembership(tx, scope, 'members:write');
    const { token, renewal } = issueToken(tx);
    const invitation = await updateInvitation(tx.db, scope, invitationId, renewal);
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'invitation.resend',
      resourceType: 'invitation',
      resourceId: invitation.id,
      changes: { email: maskEmail(invitation.email) },
    });
    const senderId = caller.actor.userId;
    await mailInvitation(tx, scope, { invitation, token, project, senderId });
    return invitation;
  });
}
