import { createTransport } from 'nodemailer';
import { type Mail, MailRefusedError, type Mailer } from '#platform/ports/mailer.js';

const TIMEOUT_MS = 20_000;
const MAX_CONNECTIONS = 2;
/** RFC 5321, 4.2.1: from 500 on a reply says that trying again will not help. */
const FIRST_PERMANENT_REPLY = 500;
/** Of `AUTH`: the mail is right, and the server's settings are not. */
const CREDENTIAL_REPLIES = new Set([530, 534, 535, 538]);

/** Mails by an SMTP server, over connections that stay open. @param options.url `smtp://user:password@host:587` */
export function createSmtpMailer(options: { url: string; from: string }): Mailer {
  const transport = createTransport({
    url: options.url,
    pool: true,
    maxConnections: MAX_CONNECTIONS,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    // Texts are ours, but nothing in them may ever read a file or fetch a page.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const domain = /@([^>\s]+)>?$/.exec(options.from)?.[1] ?? 'localhost';
  return {
    send: async (mail, signal) => {
      signal.throwIfAborted();
      try {
        await transport.sendMail(messageOf(mail, { from: options.from, domain }));
      } catch (error) {
        throw isPermanent(error) ? new MailRefusedError(error) : error;
      }
    },
    close: () => transport.close(),
  };
}

function messageOf(
  { to, subject, text, html, id }: Mail,
  { from, domain }: { from: string; domain: string },
) {
  return {
    from,
    to: { name: '', address: to },
    subject,
    text,
    html,
    messageId: `<${id}@${domain}>`,
    // RFC 3834: no holiday notes, please.
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
}

function isPermanent(error: unknown): boolean {
  if (!(error instanceof Error) || !('responseCode' in error)) return false;
  const code = Number(error.responseCode);
  return code >= FIRST_PERMANENT_REPLY && !CREDENTIAL_REPLIES.has(code);
}
