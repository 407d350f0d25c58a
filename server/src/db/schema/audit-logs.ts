import { index, jsonb, pgEnum, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { createdAt, id, updatedAt } from './columns.js';

export const actorType = pgEnum('actor_type', ['user', 'visitor', 'system']);

/** What happened, who did it and from where. No foreign keys: the log outlives what it speaks of. */
export const auditLogs = pgTable(
  'audit_logs',
  {
    id: id(),
    projectId: uuid('project_id'),
    actorId: text('actor_id'),
    actorType: actorType('actor_type').notNull(),
    action: text('action').notNull(),
    resourceType: text('resource_type').notNull(),
    resourceId: text('resource_id'),
    changes: jsonb('changes').$type<Record<string, unknown>>().notNull().default({}),
    ip: text('ip'),
    userAgent: text('user_agent'),
    requestId: text('request_id'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    index('audit_logs_project').on(table.projectId, table.createdAt),
    index('audit_logs_actor').on(table.actorId, table.createdAt),
  ],
);
