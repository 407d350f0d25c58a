import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { limitChatbots } from '#features/usage/limit-chatbots.js';
import { limitTransferredPages } from '#features/usage/limit-pages.js';
import { lockMembership } from './lock-membership.js';
import { transferredByYouMail, transferredToYouMail } from './mails.js';
import { type ProjectRow, findMember, updateMemberRole, updateProjectOwner } from './members.queries.js';

/**
 * Makes another member the one who pays, and an owner. The one who paid stays an owner. Both hear of it by mail.
 * @throws AppError `forbidden` for all but the one who pays, `not_found` for whoever is no member, `conflict`,
 * `usage_limit_exceeded` where the other one's plan has no room for it
 */
export function transferProject(
  ctx: Pick<Context, 'db' | 'clock' | 'config' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  userId: string,
): Promise<ProjectRow> {
  return inProjectTransaction(ctx, scope, async (tx) => {
    const { project, caller } = await lockMembership(tx, scope, 'project:transfer');
    if (project.ownerId !== caller.actor.userId) {
      throw new AppError('forbidden', 'Only the member who pays for the project can transfer it.');
    }
    const payer = await findMember(tx.db, scope, project.ownerId);
    const heir = await findMember(tx.db, scope, userId);
    if (heir.id === payer.id) throw new AppError('conflict', 'The project is yours already.');
    await updateMemberRole(tx.db, scope, heir.id, 'owner');
    const transferred = await updateProjectOwner(tx.db, scope, heir.id);
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: 'project.transfer',
      resourceType: 'project',
      resourceId: scope.projectId,
      changes: {
        ownerId: { before: payer.id, after: heir.id },
        role: { before: heir.role, after: 'owner' },
      },
    });
    const projectName = project.name;
    await queueMail(tx, heir.email, transferredToYouMail({ projectName, formerName: payer.name }));
    await queueMail(tx, payer.email, transferredByYouMail({ projectName, newName: heir.name }));
    await requireRoom(tx, scope, heir);
    return transferred;
  });
}

/** At the end, as it locks the account that pays from now on. */
async function requireRoom(
  tx: Pick<Context, 'db' | 'clock'>,
  scope: ProjectScope,
  heir: { id: string; name: string },
): Promise<void> {
  const reached = (await limitChatbots(tx, heir.id)) ?? (await limitTransferredPages(tx, scope, heir.id));
  if (reached === null) return;
  const what = reached.what === 'chatbots' ? 'another chatbot' : 'the indexed pages of this project';
  throw new AppError(
    'usage_limit_exceeded',
    `The plan of ${heir.name} has no room for ${what}. A larger plan or fewer of them make room.`,
    { usage: reached },
  );
}
