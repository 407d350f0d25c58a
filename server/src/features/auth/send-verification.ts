import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import type { Caller } from '#platform/scope.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { verificationMail } from './account-mails.js';
import { issueAccountToken } from './account-tokens.js';
import { countAccountTokens } from './account-tokens.queries.js';
import type { UserRow } from './auth.queries.js';

const MAX_MAILS = 5;
const PERIOD_MS = 3_600_000;

type MailContext = Pick<Context, 'db' | 'afterCommit' | 'clock' | 'config' | 'dispatchJob'>;

/** Mails a user the link that confirms its address, in the caller's transaction. */
export async function sendVerification(tx: MailContext, user: UserRow): Promise<void> {
  const token = await issueAccountToken(tx, user.id, 'verify_email');
  await queueMail(tx, user.email, verificationMail(tx, user.name, token));
}

/**
 * The same when somebody asks for it.
 * @throws AppError `conflict` when the address is confirmed already, `rate_limited` after five an hour
 */
export async function resendVerification(tx: MailContext, caller: Caller, user: UserRow): Promise<void> {
  if (user.emailVerifiedAt !== null) throw new AppError('conflict', 'The address is confirmed already.');
  const since = new Date(tx.clock.now().getTime() - PERIOD_MS);
  const sent = await countAccountTokens(tx.db, { userId: user.id, purpose: 'verify_email', since });
  if (sent >= MAX_MAILS) {
    throw new AppError('rate_limited', 'Enough of these mails were sent. Look for spam, or wait an hour.', {
      retryAfterSeconds: PERIOD_MS / 1000,
    });
  }
  await sendVerification(tx, user);
  await recordAudit(tx, caller, {
    projectId: null,
    action: 'user.resend_verification',
    resourceType: 'user',
    resourceId: user.id,
  });
}
