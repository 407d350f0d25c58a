import type { z } from 'zod';
import type { Context } from '#platform/context.js';
import { decrypt, encrypt } from '#platform/encryption.js';
import type { JobHandler } from '#platform/jobs/define-job.js';
import { enqueueJob } from '#platform/jobs/enqueue-job.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import { type Caller, systemCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { passwordResetMail } from './account-mails.js';
import { issueAccountToken } from './account-tokens.js';
import { countAccountTokens } from './account-tokens.queries.js';
import { findUserByEmailOrNull } from './auth.queries.js';
import { requestPasswordResetJob } from './auth.jobs.js';

const MAX_MAILS = 3;
const PERIOD_MS = 15 * 60_000;

/**
 * Takes the wish for a new password. Whether the address has an account is found out by a job: the answer and the
 * time it takes are the same for every address.
 */
export async function requestPasswordReset(
  ctx: Pick<Context, 'db' | 'afterCommit' | 'clock' | 'config' | 'dispatchJob'>,
  caller: Caller,
  email: string,
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const sealedEmail = encrypt(tx.config.encryptionKey, email).toString('base64');
    await enqueueJob(tx, requestPasswordResetJob, { projectId: null, payload: { sealedEmail } });
    await recordAudit(tx, caller, {
      projectId: null,
      action: 'user.request_password_reset',
      resourceType: 'user',
      resourceId: null,
    });
  });
}

/** Mails the link, to a known address and three times in a quarter of an hour at most. */
export const mailPasswordReset: JobHandler<z.infer<typeof requestPasswordResetJob.payload>> = {
  run: (ctx, job, { sealedEmail }) =>
    inTransaction(ctx, async (tx) => {
      await job.fence(tx);
      const email = decrypt(tx.config.decryptionKeys, Buffer.from(sealedEmail, 'base64'));
      const user = await findUserByEmailOrNull(tx.db, email);
      if (user === null || user.suspendedAt !== null) return;
      const since = new Date(tx.clock.now().getTime() - PERIOD_MS);
      const sent = await countAccountTokens(tx.db, { userId: user.id, purpose: 'reset_password', since });
      if (sent >= MAX_MAILS) return;
      const token = await issueAccountToken(tx, user.id, 'reset_password');
      await queueMail(tx, user.email, passwordResetMail(tx, user.name, token));
      await recordAudit(tx, systemCaller, {
        projectId: null,
        action: 'user.send_password_reset',
        resourceType: 'user',
        resourceId: user.id,
      });
    }),
  ended: async (tx) => {
    tx.log.error('a password reset could not be prepared');
  },
};
