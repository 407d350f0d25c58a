import { z } from 'zod';
import { decrypt } from '../encryption.js';
import type { JobHandler } from '../jobs/define-job.js';
import { MailRefusedError } from '../ports/mailer.js';
import type { sendMailJob } from './mail.jobs.js';

const mailSchema = z.object({
  to: z.string(),
  subject: z.string(),
  text: z.string(),
  html: z.string(),
  id: z.string(),
});

/** Sends a mail at least once. One that the server refuses for good is not tried again. */
export const sendMail: JobHandler<z.infer<typeof sendMailJob.payload>> = {
  run: async (ctx, _job, { sealed }, signal) => {
    const mail = mailSchema.parse(
      JSON.parse(decrypt(ctx.config.decryptionKeys, Buffer.from(sealed, 'base64'))),
    );
    try {
      await ctx.mailer.send(mail, signal);
      ctx.metrics.mails.inc({ outcome: 'sent' });
    } catch (error) {
      if (!(error instanceof MailRefusedError)) throw error;
      ctx.metrics.mails.inc({ outcome: 'refused' });
      ctx.log.warn({ mailId: mail.id }, 'a mail was refused and is not sent again');
    }
  },
  retried: async () => {},
  ended: async (tx) => {
    tx.metrics.mails.inc({ outcome: 'failed' });
    tx.log.error('a mail could not be sent: look at SMTP_URL and the mail server');
  },
};
