import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import type { UserCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { deleteStoredFilesJob, projectFolder } from '#features/projects/projects.jobs.js';
import { endPayments } from '#features/usage/end-payments.js';
import { accountDeletedMail } from './account-mails.js';
import { lockUserOrNull } from './auth.queries.js';
import { countErased, deleteUserRow, lockOwnedProjectIds } from './delete-account.queries.js';
import { lockActiveAdmins } from './lock-active-admins.js';

/**
 * Erases the caller's account with every project that it owns, its memberships, sessions and keys. What is left is a
 * receipt with counts: in the audit log, under an id that leads nowhere any more, and in a last mail. Files follow in
 * jobs, and so does the end of what the account pays.
 * @throws AppError `conflict` for the last admin
 */
export function deleteAccount(
  ctx: Pick<Context, 'db' | 'afterCommit' | 'clock' | 'config' | 'dispatchJob'>,
  caller: UserCaller,
): Promise<void> {
  const { userId } = caller.actor;
  return inTransaction(ctx, async (tx) => {
    const adminIds = await lockActiveAdmins(tx);
    if (adminIds.length === 1 && adminIds[0] === userId) {
      throw new AppError(
        'conflict',
        'You are the last admin. Make somebody else an admin first, or run `admin revoke` on the server.',
      );
    }
    const user = await lockUserOrNull(tx.db, userId);
    if (user === null) throw new AppError('unauthenticated', 'The account is gone already.');
    const projectIds = await lockOwnedProjectIds(tx.db, userId);
    const counts = await countErased(tx.db, { userId, projectIds });
    for (const projectId of projectIds) {
      const payload = { folder: projectFolder(projectId) };
      await enqueueJob(tx, deleteStoredFilesJob, { projectId: null, payload });
    }
    await endPayments(tx, userId);
    await deleteUserRow(tx.db, userId);
    await recordAudit(tx, caller, {
      projectId: null,
      action: 'user.delete',
      resourceType: 'user',
      resourceId: userId,
      changes: { erased: counts },
    });
    await queueMail(tx, user.email, accountDeletedMail(user.name, counts));
  });
}
