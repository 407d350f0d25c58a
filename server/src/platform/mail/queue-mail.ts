import { newId } from '#kernel/ids.js';
import type { Context } from '../context.js';
import { encrypt } from '../encryption.js';
import { enqueueJob } from '../jobs/enqueue-job.js';
import { sendMailJob } from './mail.jobs.js';
import { type MailContent, renderMail } from './render-mail.js';

/**
 * Has a mail sent when the transaction `tx` has committed. Its text lies encrypted in the job, so that nobody finds
 * an address or a token by reading the table.
 */
export async function queueMail(
  tx: Pick<Context, 'db' | 'clock' | 'afterCommit' | 'dispatchJob' | 'config'>,
  to: string,
  content: MailContent,
): Promise<void> {
  const mail = { to, id: newId(), ...renderMail(content) };
  const sealed = encrypt(tx.config.encryptionKey, JSON.stringify(mail)).toString('base64');
  await enqueueJob(tx, sendMailJob, { projectId: null, payload: { sealed } });
}
