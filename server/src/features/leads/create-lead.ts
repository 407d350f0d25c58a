import type { LeadForm } from '#db/schema/projects.js';
import { AppError } from '#kernel/app-error.js';
import { newId } from '#kernel/ids.js';
import type { Context } from '#platform/context.js';
import { queueMail } from '#platform/mail/queue-mail.js';
import type { ProjectScope } from '#platform/scope.js';
import { inProjectTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { findOwnConversation } from '#features/chat/find-own-conversation.js';
import {
  type LeadRow,
  fillVisitorContact,
  findLeadProject,
  hasManyLeadsSince,
  upsertLead,
} from './leads.queries.js';
import type { CreateLeadInput } from './leads.schemas.js';
import { newLeadMail } from './new-lead-mail.js';

/** More mails an hour nobody reads, and a flood of leads must not become one of mails. */
const MAX_MAILS = 60;
const PERIOD_MS = 3_600_000;

/**
 * Takes down how somebody can be reached, in a new lead or in the one that the project has of the same e-mail
 * address. The owner of the project gets a mail of each new one, sixty an hour at most.
 * @throws AppError `validation_failed` when a visitor leaves out what the project's form asks for; `not_found` for a
 * conversation that is not the caller's
 */
export function createLead(
  ctx: Pick<Context, 'db' | 'config' | 'clock' | 'afterCommit' | 'dispatchJob'>,
  scope: ProjectScope,
  input: CreateLeadInput,
): Promise<LeadRow> {
  const { conversationId, conversationToken = null, consent } = input;
  const { email = null, phone = null, name = null, metadata = {} } = input;
  return inProjectTransaction(ctx, scope, async (tx) => {
    const project = await findLeadProject(tx.db, scope);
    if (scope.memberRole === null) checkForm(project.leadForm, input);
    const conversation =
      conversationId === undefined
        ? null
        : await findOwnConversation(tx, scope, { conversationId, conversationToken });
    const id = newId();
    const now = tx.clock.now();
    const lead = await upsertLead(tx.db, {
      id,
      projectId: scope.projectId,
      conversationId: conversation?.id ?? null,
      visitorId: conversation?.visitorId ?? null,
      email,
      phone,
      name,
      metadata,
      consentAt: consent === undefined ? null : now,
      consentText: consent?.text ?? null,
      createdAt: now,
      updatedAt: now,
    });
    const isNew = lead.id === id;
    if (conversation !== null) await fillVisitorContact(tx.db, scope, conversation.id, { email, phone });
    const since = new Date(now.getTime() - PERIOD_MS);
    if (isNew && !(await hasManyLeadsSince(tx.db, scope, { since, many: MAX_MAILS }))) {
      await queueMail(tx, project.ownerEmail, newLeadMail(project.name, lead));
    }
    await recordAudit(tx, scope, {
      projectId: scope.projectId,
      action: isNew ? 'lead.create' : 'lead.merge',
      resourceType: 'lead',
      resourceId: lead.id,
    });
    return lead;
  });
}

function checkForm(form: LeadForm | null, input: CreateLeadInput): void {
  const missing =
    form?.fields.filter(({ name, isRequired }) => isRequired && input[name] === undefined) ?? [];
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name);
  throw new AppError('validation_failed', `Please fill in: ${names.join(', ')}.`, {
    errors: names.map((path) => ({ path, message: 'is required' })),
  });
}
