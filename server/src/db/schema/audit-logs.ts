import { bigint, index, integer, jsonb, pgEnum, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { createdAt, id, instant, updatedAt } from './columns.js';

export const actorType = pgEnum('actor_type', ['user', 'visitor', 'system']);
export const auditOutcome = pgEnum('audit_outcome', ['done', 'refused']);

/** What happened, who did it and from where. No foreign keys: the log outlives what it speaks of. */
export const auditLogs = pgTable(
  'audit_logs',
  {
    id: id(),
    projectId: uuid('project_id'),
    actorId: text('actor_id'),
    actorType: actorType('actor_type').notNull(),
    /** The key that a user's program came with. */
    apiKeyId: uuid('api_key_id'),
    action: text('action').notNull(),
    outcome: auditOutcome('outcome').notNull().default('done'),
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

/** A link of the chain that shows whether the log was changed: all entries made within one span of time. */
export const auditSeals = pgTable(
  'audit_seals',
  {
    id: id(),
    /** 1, 2, 3 …: a seal that is missing shows as a gap. */
    number: bigint('number', { mode: 'number' }).notNull(),
    periodStart: instant('period_start').notNull(),
    periodEnd: instant('period_end').notNull(),
    entryCount: integer('entry_count').notNull(),
    /** SHA-256 over the entries in the order of their ids, in hex. */
    entriesHash: text('entries_hash').notNull(),
    /** SHA-256 over the seal before this one and what this one says, in hex. */
    sealHash: text('seal_hash').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [uniqueIndex('audit_seals_number_unique').on(table.number)],
);
