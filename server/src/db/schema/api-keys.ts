import { index, pgEnum, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { createdAt, id, instant, updatedAt } from './columns.js';
import { projects } from './projects.js';
import { users } from './users.js';

export const apiKeyScope = pgEnum('api_key_scope', ['chat', 'read', 'write', 'admin']);

/** A credential of a program: it acts for its user, with no more than its scopes, on one project or on all. */
export const apiKeys = pgTable(
  'api_keys',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** Null: every project of the user. */
    projectId: uuid('project_id').references(() => projects.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    /** The first characters of the key, to know it again by. */
    prefix: text('prefix').notNull(),
    keyHash: text('key_hash').notNull(),
    scopes: apiKeyScope('scopes').array().notNull(),
    expiresAt: instant('expires_at'),
    lastUsedAt: instant('last_used_at'),
    revokedAt: instant('revoked_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    uniqueIndex('api_keys_hash_unique').on(table.keyHash),
    index('api_keys_user').on(table.userId, table.id),
    index('api_keys_project').on(table.projectId),
  ],
);
