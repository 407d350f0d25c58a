import { join } from 'node:path';
import type { Config } from '#platform/config/config.js';
import type { Logger } from '#platform/logger.js';
import type { Mailer } from '#platform/ports/mailer.js';

/** The mailer that the configuration names, loaded when the first mail is sent: most processes send none. */
export function openMailer({ mail, dataDir }: Pick<Config, 'mail' | 'dataDir'>, log: Logger): Mailer {
  let opened: Promise<Mailer> | null = null;
  const open = async (): Promise<Mailer> => {
    if (mail.smtpUrl !== null) {
      const { createSmtpMailer } = await import('#providers/mailer/smtp-mailer.js');
      return createSmtpMailer({ url: mail.smtpUrl, from: mail.from });
    }
    const { createOutboxMailer } = await import('#providers/mailer/outbox-mailer.js');
    return createOutboxMailer({ directory: join(dataDir, 'outbox'), from: mail.from, log });
  };
  return {
    send: async (message, signal) => {
      opened ??= open();
      await (await opened).send(message, signal);
    },
    close: () => void opened?.then((mailer) => mailer.close()),
  };
}
