import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { updateInvitationWithdrawn } from './invitations.queries.js';
import { lockMembership } from './lock-membership.js';
import { maskEmail } from '#features/audit/mask-changes.js';

/** Takes an open invitation back: its token is worthless. @throws AppError `not_found` */
export function withdrawInvitation(
  ctx: Pick<Context, 'db' | 'afterCommit'>,
  scope: ProjectScope,
  invitationId: string,
): Promise<void> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    await lockMembership(tx, scope, 'members:write');
    const { id, email, role } = await updateInvitationWithdrawn(tx.db, scope, invitationId);
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'invitation.withdraw',
      resourceType: 'invitation',
      resourceId: id,
      changes: { email: maskEmail(email), role },
    });
  });
}
