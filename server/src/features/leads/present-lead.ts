import type { z } from 'zod';
import type { LeadRow } from './leads.queries.js';
import type { CreateLeadInput, leadSchema } from './leads.schemas.js';

type PresentedLead = z.infer<typeof leadSchema>;

/** A lead as members see it. */
export function presentLead(row: LeadRow): PresentedLead {
  return {
    ...row,
    consentAt: row.consentAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/**
 * A lead as the visitor sees it who has just left it: what this visitor said, and nothing of what is stored. Whoever
 * gives somebody else's address learns neither name nor number of that person, nor when it came here.
 */
export function presentOwnLead(row: LeadRow, input: CreateLeadInput): PresentedLead {
  const { conversationId = null, email = null, phone = null, name = null, metadata = {}, consent } = input;
  const now = row.updatedAt.toISOString();
  return {
    id: row.id,
    projectId: row.projectId,
    conversationId,
    visitorId: null,
    email,
    phone,
    name,
    metadata,
    consentAt: consent === undefined ? null : now,
    consentText: consent?.text ?? null,
    createdAt: now,
    updatedAt: now,
  };
}
