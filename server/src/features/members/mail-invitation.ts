import type { Context } from '#platform/context.js';
import { accountUrl } from '#platform/mail/account-url.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import type { ProjectScope } from '#platform/scope.js';
import type { InvitationRow } from './invitations.queries.js';
import { invitationMail } from './mails.js';
import { type ProjectRow, findMember } from './members.queries.js';

/** Sends an invitation with its token, in the name of the member who asks for it. */
export async function mailInvitation(
  tx: Pick<Context, 'db' | 'clock' | 'config' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  mail: { invitation: InvitationRow; token: string; project: ProjectRow; senderId: string },
): Promise<void> {
  const { email, role, expiresAt } = mail.invitation;
  const sender = await findMember(tx.db, scope, mail.senderId);
  const content = invitationMail({
    projectName: mail.project.name,
    inviterName: sender.name,
    role,
    email,
    url: accountUrl(tx, 'invitation', mail.token),
    expiresAt,
  });
  await queueMail(tx, email, content);
}
