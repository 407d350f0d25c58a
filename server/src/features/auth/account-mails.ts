import type { Context } from '#platform/context.js';
import { accountUrl } from '#platform/mail/account-url.js';
import type { MailContent } from '#platform/mail/render-mail.js';

type MailContext = Pick<Context, 'config'>;

export function verificationMail(ctx: MailContext, name: string, token: string): MailContent {
  return {
    subject: 'Confirm your e-mail address',
    paragraphs: [`Hello ${name},`, 'please confirm that this address is yours. The link works for 24 hours.'],
    action: { label: 'Confirm the address', url: accountUrl(ctx, 'verify-email', token) },
    footnote:
      'Somebody made an account with this address. If that was not you, do not open the link: without it the address counts as unconfirmed. With "forgot password" you can take the account over.',
  };
}

export function passwordResetMail(ctx: MailContext, name: string, token: string): MailContent {
  return {
    subject: 'Choose a new password',
    paragraphs: [
      `Hello ${name},`,
      'with this link you can choose a new password. It works once, for one hour. All devices will be signed out.',
    ],
    action: { label: 'Choose a password', url: accountUrl(ctx, 'reset-password', token) },
    footnote: 'If you did not ask for this, nothing has happened: your password is what it was.',
  };
}

export function passwordChangedMail(name: string): MailContent {
  return {
    subject: 'Your password was changed',
    paragraphs: [
      `Hello ${name},`,
      'the password of your account has just been changed, and other devices were signed out.',
    ],
    footnote: 'If that was not you, use "forgot password" at once: it ends every session and sets a new one.',
  };
}

export function addressChangedMail(name: string): MailContent {
  return {
    subject: 'Your account has another e-mail address now',
    paragraphs: [
      `Hello ${name},`,
      'the e-mail address of your account has just been changed. This address does not belong to it any more.',
    ],
    footnote: 'If that was not you, tell whoever runs this installation.',
  };
}

/** @param counts how much of each thing was erased */
export function accountDeletedMail(name: string, counts: Record<string, number>): MailContent {
  const lines = Object.entries(counts).map(([thing, count]) => `${thing}: ${count}`);
  return {
    subject: 'Your account was deleted',
    paragraphs: [
      `Goodbye ${name},`,
      'your account and all that it owned were erased. This is the receipt:',
      lines.join(', '),
      'Uploaded files follow within minutes.',
    ],
    footnote: 'This is the last mail that you get from us.',
  };
}
