import type { Context } from '#platform/context.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { keepPayer } from './keep-payer.js';
import { lockMembership } from './lock-membership.js';
import { roleChangedMail } from './mails.js';
import { type MemberRow, findMember, updateMemberRole } from './members.queries.js';
import type { UpdateMemberInput } from './members.schemas.js';

/**
 * Gives a member another role and tells it by mail.
 * @throws AppError `not_found`, `conflict` for the one who pays, who stays an owner
 */
export function updateMember(
  ctx: Pick<Context, 'db' | 'clock' | 'config' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  userId: string,
  { role }: UpdateMemberInput,
): Promise<MemberRow> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const { project, caller } = await lockMembership(tx, scope, 'members:write');
    const before = await findMember(tx.db, scope, userId);
    if (before.role === role) return before;
    keepPayer(before);
    await updateMemberRole(tx.db, scope, before.id, role);
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'member.update',
      resourceType: 'member',
      resourceId: before.id,
      changes: { role: { before: before.role, after: role } },
    });
    if (before.id !== caller.actor.userId) {
      const change = { projectName: project.name, before: before.role, after: role };
      await queueMail(tx, before.email, roleChangedMail(change));
    }
    return findMember(tx.db, scope, before.id);
  });
}
