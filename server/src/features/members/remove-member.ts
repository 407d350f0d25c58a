import type { Context } from '#platform/context.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { isOwnId } from './is-own-id.js';
import { keepPayer } from './keep-payer.js';
import { lockMembership } from './lock-membership.js';
import { removedMail } from './mails.js';
import { deleteMember, findMember } from './members.queries.js';

/**
 * Ends a membership: an owner removes somebody, who hears of it by mail, or a member leaves.
 * @throws AppError `not_found`, `conflict` for the one who pays
 */
export function removeMember(
  ctx: Pick<Context, 'db' | 'clock' | 'config' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  userId: string,
): Promise<void> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const isLeaving = isOwnId(scope, userId);
    const { project } = await lockMembership(tx, scope, isLeaving ? 'members:leave' : 'members:write');
    const member = await findMember(tx.db, scope, userId);
    keepPayer(member);
    await deleteMember(tx.db, scope, member.id);
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: isLeaving ? 'member.leave' : 'member.remove',
      resourceType: 'member',
      resourceId: member.id,
      changes: { role: member.role },
    });
    if (!isLeaving) await queueMail(tx, member.email, removedMail({ projectName: project.name }));
  });
}
