import type { MailContent } from '#platform/mail/render-mail.js';
import type { MemberRole } from '#platform/scope.js';

/** Enough to know a name by, and too little for an advertisement in a mail that strangers get. */
const MAX_NAME_LENGTH = 80;

const ROLE_ALLOWS: Record<MemberRole, string> = {
  owner: 'As an owner you may do everything there, and decide who else is a member.',
  editor: 'As an editor you may change its settings and sources, and read what visitors ask.',
  viewer: 'As a viewer you may read everything there and change nothing.',
};

const BECAUSE_MEMBER = 'You get this mail because it is about a project of yours.';

export function invitationMail(input: {
  projectName: string;
  inviterName: string;
  role: MemberRole;
  email: string;
  url: string;
  expiresAt: Date;
}): MailContent {
  const { role, email, url } = input;
  const project = quoted(input.projectName);
  const inviter = shown(input.inviterName);
  return {
    subject: `${inviter} invites you to ${project}`,
    paragraphs: [
      `${inviter} invites you to the project ${project} as ${withArticle(role)}. ${ROLE_ALLOWS[role]}`,
      `Accept with an account of the address ${email}. If you have none yet, make one first.`,
      `The invitation can be accepted once, until ${utc(input.expiresAt)}.`,
    ],
    action: { label: 'Accept the invitation', url },
    footnote: `Somebody gave us this address to invite you. If you do not know ${inviter} or ${project}, ignore this mail: nothing will happen.`,
  };
}

export function roleChangedMail(input: {
  projectName: string;
  before: MemberRole;
  after: MemberRole;
}): MailContent {
  const project = quoted(input.projectName);
  return {
    subject: `Your role in ${project} has changed`,
    paragraphs: [
      `You were ${withArticle(input.before)} of the project ${project}, and are ${withArticle(input.after)} now. ${ROLE_ALLOWS[input.after]}`,
    ],
    footnote: `${BECAUSE_MEMBER} If the change surprises you, ask an owner of the project.`,
  };
}

export function removedMail(input: { projectName: string }): MailContent {
  const project = quoted(input.projectName);
  return {
    subject: `You were removed from ${project}`,
    paragraphs: [
      `An owner of the project ${project} has removed you. You cannot open it any more. Your account stays as it is.`,
    ],
    footnote:
      'You get this mail because you were a member of the project. If that surprises you, ask one of its owners.',
  };
}

export function transferredToYouMail(input: { projectName: string; formerName: string }): MailContent {
  const project = quoted(input.projectName);
  return {
    subject: `${project} is yours now`,
    paragraphs: [
      `${shown(input.formerName)} has transferred the project ${project} to you. You are an owner of it now, and what it uses counts on your account.`,
      'You can transfer it to another member at any time.',
    ],
    footnote: `${BECAUSE_MEMBER} If you did not expect it, ask ${shown(input.formerName)}.`,
  };
}

export function transferredByYouMail(input: { projectName: string; newName: string }): MailContent {
  const project = quoted(input.projectName);
  return {
    subject: `You have transferred ${project}`,
    paragraphs: [
      `The project ${project} belongs to ${shown(input.newName)} now, and what it uses no longer counts on your account.`,
      'You are still an owner of it, and may leave it when you want to.',
    ],
    footnote:
      'You get this mail because this was done with your account. If it was not you, change your password at once and ask the new owner to transfer the project back.',
  };
}

function quoted(name: string): string {
  return `“${shown(name)}”`;
}

/**
 * A name that somebody chose, in a mail to somebody else: short, and such that no mail program makes a link of it.
 * The word joiner (U+2060) is not seen.
 */
function shown(name: string): string {
  const plain = name.replace(/\p{C}+/gu, ' ').trim();
  const letters = Array.from(plain);
  const short = letters.length > MAX_NAME_LENGTH ? `${letters.slice(0, MAX_NAME_LENGTH).join('')}…` : plain;
  return short.replace(/[.:/@](?=\S)/g, '$&\u2060');
}

function withArticle(role: MemberRole): string {
  return role === 'viewer' ? 'a viewer' : `an ${role}`;
}

/** `2026-12-05 09:30 UTC` */
function utc(instant: Date): string {
  return `${instant.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
