export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
  /** The same for every try to send this mail, so that a receiver may drop a double: the part before the `@`. */
  id: string;
}

export interface Mailer {
  /**
   * Hands a mail over to the next server.
   * @throws MailRefusedError when it will never be taken (an unknown address); any other error may pass
   */
  send(mail: Mail, signal: AbortSignal): Promise<void>;
  close(): void;
}

export class MailRefusedError extends Error {
  constructor(cause: unknown) {
    super('the mail server refuses this mail', { cause });
    this.name = 'MailRefusedError';
  }
}
