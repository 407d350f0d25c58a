import { index, jsonb, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { createdAt, id, instant, updatedAt } from './columns.js';
import { projects } from './projects.js';

/** Somebody who left a way to be reached; one row for each address of a project. */
export const leads = pgTable(
  'leads',
  {
    id: id(),
    projectId: uuid('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    /** The conversation that it was left in; it outlives it. */
    conversationId: uuid('conversation_id'),
    visitorId: text('visitor_id'),
    /** Normalised as `users.email`. */
    email: text('email'),
    phone: text('phone'),
    name: text('name'),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    consentAt: instant('consent_at'),
    /** What the visitor agreed to, word for word. */
    consentText: text('consent_text'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    uniqueIndex('leads_email_unique').on(table.projectId, table.email),
    index('leads_project').on(table.projectId, table.id),
    index('leads_conversation').on(table.projectId, table.conversationId),
  ],
);
