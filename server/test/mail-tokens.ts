import type { Mail } from '#platform/ports/mailer.js';

/** The token of the link in a mail. */
export function tokenOf(mail: Mail | undefined): string {
  const token = /#token=([\w-]+)/.exec(mail?.text ?? '')?.[1];
  if (token === undefined) throw new Error('there is no link with a token in this mail');
  return token;
}
