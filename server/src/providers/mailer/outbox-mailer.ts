import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Logger } from '#platform/logger.js';
import type { Mailer } from '#platform/ports/mailer.js';

/**
 * Mails of an installation without SMTP: each becomes a file `<id>.eml` that mail programs open; ids rise with time. The log tells
 * where it lies and not what it says.
 */
export function createOutboxMailer(options: { directory: string; from: string; log: Logger }): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: 'unix' });
  return {
    send: async ({ to, subject, text, html, id }) => {
      const { message } = await transport.sendMail({
        from: options.from,
        to: { name: '', address: to },
        subject,
        text,
        html,
        messageId: `<${id}@localhost>`,
      });
      if (!Buffer.isBuffer(message)) throw new Error('the mail was not composed in memory');
      await mkdir(options.directory, { recursive: true, mode: 0o700 });
      const path = join(options.directory, `${id}.eml`);
      // Under another name until it is whole: whoever watches the folder sees finished mails only.
      await writeFile(`${path}.part`, message, { mode: 0o600 });
      await rename(`${path}.part`, path);
      options.log.info({ path }, 'a mail lies in the outbox: set SMTP_URL to have mails sent');
    },
    close: () => transport.close(),
  };
}
