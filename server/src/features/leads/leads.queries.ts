import { type SQL, and, desc, eq, ilike, lt, or, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { conversations } from '#db/schema/conversations.js';
import { leads } from '#db/schema/leads.js';
import { type LeadForm, projects } from '#db/schema/projects.js';
import { users } from '#db/schema/users.js';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { Database } from '#platform/database.js';
import type { ProjectScope } from '#platform/scope.js';

export type LeadRow = typeof leads.$inferSelect;

/** Whoever knows an address could add to its metadata for ever: beyond this, what is new replaces what was there. */
const MAX_METADATA_BYTES = 32 * 1024;

/** What a new lead needs to know of its project. @throws AppError `not_found` */
export async function findLeadProject(
  db: Database,
  scope: ProjectScope,
): Promise<{ name: string; leadForm: LeadForm | null; ownerEmail: string }> {
  const [row] = await db
    .select({ name: projects.name, leadForm: projects.leadForm, ownerEmail: users.email })
    .from(projects)
    .innerJoin(users, eq(users.id, projects.ownerId))
    .where(eq(projects.id, scope.projectId));
  if (row === undefined) throw new AppError('not_found', 'There is no such project.');
  return row;
}

/**
 * Adds a lead, or what it says to the one that its project has of the same e-mail address. One statement, so that
 * of many at once one is new.
 */
export async function upsertLead(db: Database, lead: typeof leads.$inferInsert): Promise<LeadRow> {
  const merged = sql`${leads.metadata} || excluded.metadata`;
  const [row] = await db
    .insert(leads)
    .values(lead)
    .onConflictDoUpdate({
      target: [leads.projectId, leads.email],
      set: {
        conversationId: newerOf(leads.conversationId),
        visitorId: newerOf(leads.visitorId),
        phone: newerOf(leads.phone),
        name: newerOf(leads.name),
        metadata: sql`case when octet_length((${merged})::text) <= ${MAX_METADATA_BYTES} then ${merged} else excluded.metadata end`,
        consentAt: newerOf(leads.consentAt),
        consentText: newerOf(leads.consentText),
        updatedAt: sql`excluded.updated_at`,
      },
    })
    .returning();
  if (row === undefined) throw new Error('insert returned no row');
  return row;
}

/** Whether a project got more than `many` leads since a moment. */
export async function hasManyLeadsSince(
  db: Database,
  scope: ProjectScope,
  { since, many }: { since: Date; many: number },
): Promise<boolean> {
  // Ids rise with time: it looks at the one that would be too many, and not at all of them.
  const [tooMany] = await db
    .select({ createdAt: leads.createdAt })
    .from(leads)
    .where(eq(leads.projectId, scope.projectId))
    .orderBy(desc(leads.id))
    .offset(many)
    .limit(1);
  return tooMany !== undefined && tooMany.createdAt > since;
}

function newerOf(column: PgColumn): SQL {
  return sql`coalesce(excluded.${sql.identifier(column.name)}, ${column})`;
}

/** Tells a conversation how to reach its visitor, where it does not know yet. */
export async function fillVisitorContact(
  db: Database,
  scope: ProjectScope,
  conversationId: string,
  contact: { email: string | null; phone: string | null },
): Promise<void> {
  await db
    .update(conversations)
    .set({
      visitorEmail: sql`coalesce(${conversations.visitorEmail}, ${contact.email})`,
      visitorPhone: sql`coalesce(${conversations.visitorPhone}, ${contact.phone})`,
    })
    .where(and(eq(conversations.projectId, scope.projectId), eq(conversations.id, conversationId)));
}

/** Leads, newest first. @param filter `text`: a part of the address, the number or the name */
export function listLeads(
  db: Database,
  scope: ProjectScope,
  filter: { text: string | null; beforeId: string | null; limit: number },
): Promise<LeadRow[]> {
  return db
    .select()
    .from(leads)
    .where(
      and(
        eq(leads.projectId, scope.projectId),
        filter.beforeId === null ? undefined : lt(leads.id, filter.beforeId),
        filter.text === null ? undefined : hasText(filter.text),
      ),
    )
    .orderBy(desc(leads.id))
    .limit(filter.limit + 1);
}

function hasText(text: string): SQL | undefined {
  const pattern = `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
  // Numbers are stored without the spaces and signs that people write into them.
  const isNumber = /^\+?[\d\s().\-/]+$/.test(text) && /\d/.test(text);
  return or(
    ilike(leads.email, pattern),
    ilike(leads.name, pattern),
    ilike(leads.phone, isNumber ? `%${text.replaceAll(/[^\d+]/g, '')}%` : pattern),
  );
}

/** @throws AppError `not_found` */
export async function findLead(db: Database, scope: ProjectScope, leadId: string): Promise<LeadRow> {
  const [row] = isId(leadId) ? await db.select().from(leads).where(isLead(scope, leadId)) : [];
  if (row === undefined) throw new AppError('not_found', 'There is no such lead.');
  return row;
}

/** @returns false when there was none */
export async function deleteLeadRow(db: Database, scope: ProjectScope, leadId: string): Promise<boolean> {
  if (!isId(leadId)) return false;
  const rows = await db.delete(leads).where(isLead(scope, leadId)).returning({ id: leads.id });
  return rows.length > 0;
}

function isLead(scope: ProjectScope, leadId: string) {
  return and(eq(leads.projectId, scope.projectId), eq(leads.id, leadId));
}
