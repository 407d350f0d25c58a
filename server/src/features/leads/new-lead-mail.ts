import type { MailContent } from '#platform/mail/render-mail.js';
import type { LeadRow } from './leads.queries.js';

/** What the owner of a project is told of a new lead. */
export function newLeadMail(
  projectName: string,
  lead: Pick<LeadRow, 'email' | 'phone' | 'name'>,
): MailContent {
  const told = [
    ['Name', lead.name === null ? null : withoutLinks(lead.name)],
    ['E-mail', lead.email],
    ['Phone', lead.phone],
  ].flatMap(([label, value]) => (value == null ? [] : [`${label}: ${value}`]));
  return {
    subject: `New lead in ${projectName}`,
    paragraphs: ['A visitor left a way to be reached.', ...told],
    footnote: `This mail comes to the owner of the project for each new lead. Check who it is before you trust what it says: anybody can fill in the form.`,
  };
}

/** A visitor chooses its name, and mail programs make links of what looks like an address. */
function withoutLinks(text: string): string {
  return text.replaceAll(/[:/\\@]+|\.(?=\S)/g, ' ');
}
